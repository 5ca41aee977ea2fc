"""DICOM in and out: series to volumes, masks to DICOM-SEG and RTSTRUCT; pydicom is imported when used."""
