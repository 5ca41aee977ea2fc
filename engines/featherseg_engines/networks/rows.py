"""The networks that Featherseg ships: their papers, published figures with corrections, training recipes.

Recipes say where they come from. Published figures are copied as printed; what is counted comes from
:mod:`featherseg_engines.networks.counting`.
"""

from dataclasses import replace

from featherseg_engines.networks.spec import LazyBuild, NetworkSpec, Recipe

_HERE = "featherseg_engines.networks."

REPSEGNET = NetworkSpec(
    name="repsegnet",
    title="RepSegNet",
    paper="Juraev et al., Scientific Reports 16, 4682",
    year=2026,
    identifier="Sci Rep 16:4682",
    dims=2,
    stride=16,
    build=LazyBuild(_HERE + "repsegnet", "RepSegNet"),
    recipe=Recipe(5e-4, 0.01, 8, 0.05, 0.05, "paper: AdamW 5e-4, cosine to 1e-6, SoftCE 0.05 + Dice 0.05"),
    published_params="2.66 M in training, 0.518 M fused",
    published_gmacs="3.15 in training, 1.51 fused (at 224 x 224)",
    note="The printed 0.518 M counts only tensors outside the fused units; the fused network has 1.22 M.",
    classes=2,
)

MED2DSEGNET = NetworkSpec(
    name="med2dsegnet",
    title="Med-2D SegNet (reconstruction)",
    paper="Med-2D SegNet, arXiv 2504.14715",
    year=2025,
    identifier="arXiv:2504.14715",
    dims=2,
    stride=16,
    build=LazyBuild(_HERE + "med2dsegnet", "Med2DSegNet"),
    recipe=Recipe(
        1e-3,
        1e-4,
        8,
        0.0,
        1e-5,
        "ours, the paper was not at hand: AdamW 1e-3, cosine to 1e-6, 0.5 BCE + Dice",
        cross_entropy_weight=0.5,
    ),
    published_params="2.07 M",
    published_gmacs="not known",
    note="A reconstruction: no code is public. The total, the expansion by 6, the 7 x 7 depthwise "
    "convolution, the pooling and the width 124 are grounded; stage widths, repeats and decoder details "
    "are ours.",
    reconstruction=True,
)

_REUNET_SLIM8 = NetworkSpec(
    name="reunet_slim8",
    title="REUnet slim 8",
    paper="Robust semantic learning for precise medical image segmentation, "
    "Biomedical Signal Processing and Control 110, 108251",
    year=2025,
    identifier="BSPC 110:108251",
    dims=2,
    stride=16,
    build=LazyBuild(_HERE + "reunet", "REUnet"),
    recipe=Recipe(
        1e-3,
        0.0,
        4,
        0.0,
        1e-5,
        "paper: Adam 1e-3, batch 4, cross-entropy, 150 epochs with early stopping",
        optimizer="adam",
        schedule="constant",
        epochs=150,
        dice_weight=0.0,
    ),
    published_params="none in numbers (a bubble chart)",
    published_gmacs="none in numbers (167 ms an image on an i9)",
    note="The paper's topology, connected as drawn, at a quarter of its widths and half its expansion "
    "(ours): as drawn it would have 145.8 M parameters, against the paper's claim to be light.",
    options={"base": 8, "width": 1, "shortcut_kernel": 1, "topology": "paper"},
)

REUNET = (
    _REUNET_SLIM8,
    replace(
        _REUNET_SLIM8,
        name="reunet_slim16",
        title="REUnet slim 16",
        note="The paper's topology at half its widths and half its expansion (ours); its multiply-adds are "
        "the closest to the published speed.",
        options={"base": 16, "width": 1, "shortcut_kernel": 1, "topology": "paper"},
    ),
    replace(
        _REUNET_SLIM8,
        name="reunet_w1",
        title="REUnet, width coefficient 1",
        note="The paper's widths with half its expansion (ours), 1 x 1 shortcuts as in the text; heavy.",
        options={"base": 32, "width": 1, "shortcut_kernel": 1, "topology": "paper"},
    ),
    replace(
        _REUNET_SLIM8,
        name="reunet_paper_1x1",
        title="REUnet as in the text",
        note="As drawn, with the 1 x 1 shortcuts of the text; too heavy for a CPU, here for the record.",
        options={"base": 32, "width": 2, "shortcut_kernel": 1, "topology": "paper"},
    ),
    replace(
        _REUNET_SLIM8,
        name="reunet_paper",
        title="REUnet as drawn",
        note="As drawn, with the 3 x 3 shortcuts of the published graph; too heavy for a CPU, here for the "
        "record.",
        options={"base": 32, "width": 2, "shortcut_kernel": 3, "topology": "paper"},
    ),
    replace(
        _REUNET_SLIM8,
        name="reunet_released",
        title="REUnet as released",
        note="What the published graph computes: a decoder stage takes the wrong input, so all below 1/2 is "
        "cut off. The paper's speed fits only this form.",
        options={"base": 32, "width": 2, "shortcut_kernel": 3, "topology": "released"},
    ),
)

LGMSNET = NetworkSpec(
    name="lgmsnet",
    title="LGMSNet",
    paper="LGMSNet, ECAI 2025, arXiv 2508.15476",
    year=2025,
    identifier="arXiv:2508.15476",
    dims=2,
    stride=32,
    build=LazyBuild(_HERE + "lgmsnet", "LGMSNet"),
    recipe=Recipe(
        0.02,
        1e-4,
        16,
        0.0,
        1e-5,
        "paper and published code: SGD 0.9, lr 0.02, poly 0.9, 0.5 BCE + Dice, 500 epochs",
        optimizer="sgd",
        schedule="poly",
        epochs=500,
        cross_entropy_weight=0.5,
    ),
    published_params="2.32 M",
    published_gmacs="4.89 (printed as GFLOPs)",
    note="The printed 4.89 leaves the products of the attention out; 5.01 with them.",
)

LGMSNET3D = NetworkSpec(
    name="lgmsnet3d",
    title="LGMSNet 3D (reconstruction)",
    paper=LGMSNET.paper,
    year=2025,
    identifier=LGMSNET.identifier,
    dims=3,
    stride=32,
    build=LazyBuild(_HERE + "lgmsnet", "lgmsnet3d"),
    recipe=Recipe(
        1e-3,
        1e-5,
        1,
        0.0,
        1e-6,
        "published code: AdamW 1e-3, warm-up and cosine, Dice + CE, crops of 96 cubed, 5000 epochs",
        epochs=5000,
    ),
    published_params="9.86 M",
    published_gmacs="none",
    note="A reconstruction: no published configuration has the printed 9.86 M parameters, these sizes do. "
    "Several others fit as well.",
    options={"repository": False},
    in_channels=1,
    classes=14,
    sides=(96, 96, 96),
    reconstruction=True,
)

LGMSNET3D_REPO = replace(
    LGMSNET3D,
    name="lgmsnet3d_repo",
    title="LGMSNet 3D (repository)",
    note="The configuration in the authors' repository: 6.19 M parameters, not the printed 9.86 M.",
    options={"repository": True},
    reconstruction=False,
)

CMUNEXT = NetworkSpec(
    name="cmunext",
    title="CMUNeXt",
    paper="Tang et al., ISBI 2024, arXiv 2308.01239",
    year=2024,
    identifier="arXiv:2308.01239",
    dims=2,
    stride=16,
    build=LazyBuild(_HERE + "cmunext", "CMUNeXt"),
    recipe=Recipe(
        0.01,
        1e-4,
        8,
        0.0,
        1e-5,
        "published code: SGD 0.9, lr 0.01, poly 0.9, 0.5 BCE + Dice, 300 epochs",
        optimizer="sgd",
        schedule="poly",
        epochs=300,
        cross_entropy_weight=0.5,
    ),
    published_params="3.15 M",
    published_gmacs="7.41 (printed as GFLOPs)",
    note="The printed 7.41 counts norms and activations too; 7.23 without.",
    options={"size": "base"},
)

CMUNEXT_S = replace(
    CMUNEXT,
    name="cmunext_s",
    title="CMUNeXt-S",
    published_params="0.42 M",
    published_gmacs="1.09 (printed as GFLOPs)",
    note="The printed 1.09 counts norms and activations too; 1.01 without.",
    options={"size": "s"},
)

CMUNEXT_L = replace(
    CMUNEXT,
    name="cmunext_l",
    title="CMUNeXt-L",
    published_params="8.29 M",
    published_gmacs="17.18 (printed as GFLOPs)",
    note="The printed 17.18 counts norms and activations too; 16.85 without.",
    options={"size": "l"},
)

TINYUNET = NetworkSpec(
    name="tinyunet",
    title="TinyU-Net",
    paper="Chen et al., MICCAI 2024",
    year=2024,
    identifier="MICCAI 2024",
    dims=2,
    stride=16,
    build=LazyBuild(_HERE + "tinyunet", "TinyUNet"),
    recipe=Recipe(
        1e-3,
        1e-4,
        8,
        0.0,
        1e-5,
        "ours, the paper's was not at hand: AdamW 1e-3, cosine, 0.5 CE + Dice",
        cross_entropy_weight=0.5,
    ),
    published_params="0.48 M",
    published_gmacs="1.66 (printed as GFLOPs)",
    note="The printed 1.66 counts norms and activations too; 1.57 without.",
    classes=2,
)

UNEXT = NetworkSpec(
    name="unext",
    title="UNeXt",
    paper="Valanarasu and Patel, MICCAI 2022, arXiv 2203.04967",
    year=2022,
    identifier="arXiv:2203.04967",
    dims=2,
    stride=32,
    build=LazyBuild(_HERE + "unext", "UNeXt"),
    recipe=Recipe(
        1e-3,
        1e-4,
        16,
        0.0,
        1e-5,
        "published code at 256 x 256: Adam 1e-3, cosine to 1e-5, 0.5 BCE + Dice, 100 epochs",
        optimizer="adam",
        cross_entropy_weight=0.5,
    ),
    published_params="1.47 M",
    published_gmacs="0.57 (printed as GFLOPs)",
    options={"size": "base"},
)

UNEXT_S = replace(
    UNEXT,
    name="unext_s",
    title="UNeXt-S",
    published_params="0.25 M",
    published_gmacs="0.10 (printed as GFLOPs)",
    options={"size": "s"},
)

MOBILEUNET = NetworkSpec(
    name="mobileunet",
    title="Mobile-Unet (reconstruction)",
    paper="Jing et al. 2022",
    year=2022,
    identifier="Mobile-Unet, Jing et al. 2022",
    dims=2,
    stride=32,
    build=LazyBuild(_HERE + "mobileunet", "MobileUNet"),
    recipe=Recipe(
        1e-3,
        1e-4,
        8,
        0.0,
        1e-5,
        "ours, the paper's was not at hand: AdamW 1e-3, cosine, 0.5 BCE + Dice",
        cross_entropy_weight=0.5,
    ),
    published_params="not known (4.3 to 4.7 M in public readings)",
    published_gmacs="not known",
    note="A reconstruction: MobileNetV2 and five deconvolutions are the paper's, how skips enter is ours.",
    reconstruction=True,
)

ROWS = (
    REPSEGNET,
    MED2DSEGNET,
    *REUNET,
    LGMSNET,
    LGMSNET3D,
    LGMSNET3D_REPO,
    CMUNEXT,
    CMUNEXT_S,
    CMUNEXT_L,
    TINYUNET,
    UNEXT,
    UNEXT_S,
    MOBILEUNET,
)
"""All of them, in the order in which they are shown."""
