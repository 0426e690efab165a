"""The packages from which assets are made, pinned; ATTRIBUTION.md lists licenses and uses."""

from __future__ import annotations

from data.prepare.fetch import Package

FLUENT = Package(
    "npm",
    "@lobehub/fluent-emoji-3d",
    "1.1.0",
    "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
)
GOOGLE = Package(
    "npm",
    "emoji-datasource-google",
    "16.0.0",
    "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
)
TUXPAINT_STAMPS = Package(
    "debian",
    "tuxpaint-stamps-default",
    "2022.06.04-1",
    "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
)
GCOMPRIS = Package(
    "debian",
    "gcompris-qt-data",
    "3.1-2",
    "e9cf06ab2105529068df73085784e835d2ff03f870d2a8091f09125d40abac9f",
)
PLASMA = Package(
    "debian",
    "plasma-workspace-wallpapers",
    "5.27.5-2",
    "32cd18b71c8c938a18b3b351f217c02ac590e323caa3cf322fbb875ce8892f8b",
)
MATE = Package(
    "debian",
    "mate-backgrounds",
    "1.26.0-1",
    "7bf4c2209f34b4f61ba6d24c8b58c28b361e82e4b943aae6d42c030169af9e04",
)

# Photographs without a main object, inspected one by one; "+" marks those held out for scoring.
BACKGROUNDS = (
    (PLASMA, "FallenLeaf Path DarkestHour+ Autumn summer_1am EveningGlow ColdRipple BytheWater+"),
    (MATE, "Aqua Blinds Dune Garden+ GreenMeadow RainDrops Storm Wood+"),
)

# The families of each package; "+" marks those held out for scoring.
FONTS = (
    (
        Package(
            "debian",
            "fonts-dejavu-core",
            "2.37-6",
            "8892669e51aab4dc56682c8e39d8ddb7d70fad83c369344e1e240bf3ca22bb76",
        ),
        "DejaVuSans DejaVuSansMono DejaVuSerif",
    ),
    (
        Package(
            "debian",
            "fonts-liberation2",
            "2.1.5-1",
            "35ffaa54f117e633e89a5da89af235a073b34dbe582726fbf6989568f7fd9bda",
        ),
        "LiberationSans LiberationSerif LiberationMono",
    ),
    (
        Package(
            "debian",
            "fonts-roboto-unhinted",
            "20170802-3",
            "f89cf7d8a589489daecf750031ec50456ab3e648d49ff544f0f08753268fbd91",
        ),
        "Roboto RobotoCondensed",
    ),
    (
        Package(
            "debian",
            "fonts-open-sans",
            "1.11-2",
            "ed8c4258af6c23e5105fa18940544f060f3c9664fbe881f25130fe0c65bc1485",
        ),
        "OpenSans",
    ),
    (
        Package(
            "debian",
            "fonts-hack",
            "3.003-3",
            "ee85559100f4657f7214f23462cf43100d233858f468e3efa0c0a8500f2b7382",
        ),
        "Hack",
    ),
    (
        Package(
            "debian",
            "fonts-lato",
            "2.0-2.1",
            "86f50af146a7df9eca4e69f0262e73e708908435ebfa833df797adfa08843bc5",
        ),
        "Lato+",
    ),
    (
        Package(
            "debian",
            "fonts-crosextra-caladea",
            "20200211-1",
            "dd51af7629df5a2f3799f889cdf63d5abdda32e94e5de59398f728d98604a240",
        ),
        "Caladea+",
    ),
)
