"""The words around a letter that state, deny or list it: regular expressions for `mentions`."""

import re


def _words(text: str) -> str:
    """Returns alternatives from words separated by "|", with flexible spaces."""
    return "|".join(re.sub(r"\s+", r"\\s+", word.strip()) for word in text.split("|"))


def _before(pattern: str) -> re.Pattern[str]:
    """Compiles a pattern of what precedes a letter, up to brackets and quotes around it."""
    return re.compile(rf"(?:{pattern})[\s\[({{]*$", re.IGNORECASE)


# Alphabetic words end at a space; Chinese or Japanese text may adjoin a letter.
WORD = r"[0-9A-Za-z_\u00c0-\u04ff'’&°-]"
LETTER = re.compile(
    rf"(?P<open>[\[({{]\s*)?(?<!{WORD})(?<!\w\.)(?P<letter>[A-Za-z])"
    rf"(?!{WORD}|[+#]|\.\w\b|\.\w\.)(?P<close>\s*[\])}}])?"
)
SENTENCE_END = re.compile(r"(?<![A-Za-z]\.[A-Za-z])(?:[.!?;](?=\s|$)|[。！？；\n])\s*")

# "vitamin C" and "Team B" are names.
NAME_BEFORE = re.compile(
    r"\b(?:"
    + _words(
        "vitamins?|plan|type|team|group|fig|figure|point|class|grade|section|part|player|step|room"
        "|gate|platform|line|bus|hepatitis|channel|exhibit|block|building|area|zone|road|route|key"
        "|category|level|column|row|angle|vertex|segment|mr|mrs|ms|dr|chapter|scene|person"
    )
    + r")\.?\s*$",
    re.IGNORECASE,
)
# After an article: a word that is not a verb of which A is the subject.
ARTICLE = re.compile(
    r"[^\S\n]+(?![a-z]\b|(?:"
    + _words(
        "and|or|is|isn't|was|are|because|since|as|but|not|nor|seems?|looks?|would|should|could|can"
        "|cannot|can't|must|might|may|has to|fits|matches|shows|describes|contradicts|doesn't|does"
        "|rather|instead|over|to|through|then|if|given|due|which|while|whereas|although|though|i"
        "|definitely|clearly|probably|obviously|certainly|likely|possibly|as well as|plus|when"
        "|oder|und|ist|ou|et|est|o|y|e|es|per|porque|weil|car|parce"
    )
    + r")\b)[^\W\d_]",
    re.IGNORECASE,
)

_ADVERB = _words(
    "maybe|possibly|perhaps|probably|likely|most likely|even|also|clearly|definitely|certainly"
    "|therefore|thus|indeed|simply|just|actually|really|obviously|then|either|both|only|still|now"
    "|in fact|most probably|surely|wohl|vielleicht|wahrscheinlich"
)
_LABEL = _words(
    "options?|choices?|letters?|answers?|alternative|opción|opción|opção|opzione|lettera|letra"
    "|lettre|buchstabe|вариант|选项|選項|オプション|보기"
)
_JOIN = _words(
    "and|or|and/or|nor|to|through|versus|vs|plus|as well as|along with|together with"
    "|oder|und|ou|et|o|y|e|u|или|и"
)
_CHINESE_JOIN = "或者|或是|或|和|与|與|以及|还是|還是|跟|または|か|と|や|또는|와|과|나|이나"
# Between the letters of a list.
JOINT = re.compile(
    rf"[\s,;:/|&+.()\[\]{{}}、·–—-]*(?:(?:(?:{_JOIN})\b|{_CHINESE_JOIN})[\s,]*)?"
    rf"(?:(?:(?:,|but|though|although|or|and)\s+)?(?:it\s+|this\s+)?"
    r"(?:could|might|may|can)(?:\s+(?:also|well|even))*\s+be\s+)?"
    rf"(?:(?:but\s+)?(?:{_ADVERB})[\s,]+)*(?:(?:the\s+)?(?:{_LABEL})\s*)?[\s(\[{{]*",
    re.IGNORECASE,
)
CHAINED = re.compile(r"\s*(?:[,/&|]|,?\s*\b(?:or|and)\b)\s*[(\[]?", re.IGNORECASE)
# Behind a letter: it is the subject of a sentence of its own.
SINGULAR = re.compile(
    r"\s+(?:"
    + _words(
        "is|isn't|was|wasn't|seems|looks|would|does|doesn't|did|has|shows|fits|matches|describes"
        "|contradicts|cannot|can't|can|could|might|may|mentions|fails|ist|est|es|è|é"
    )
    + r")\b|[是不]",
    re.IGNORECASE,
)

_BE = _words(
    "is|was|would be|should be|must be|will be|has to be|can only be|could be|might be|may be|be"
    "|seems to be|appears to be|ist|lautet|wäre|est|serait|es|sería|è|é|seria|sarebbe"
)
_ANSWER = _words(
    "answer|choice|option|solution|response|verdict|conclusion|correct|selection|pick|guess"
    "|antwort|lösung|réponse|respuesta|risposta|resposta|opción|opção|opzione|ответ"
)
_FILLER = (
    rf"(?:(?:{_ADVERB}|the|that|option|choice|letter|answer|correct|one|opción|la|die|der)[\s,:]+)*"
)
_PICK = _words(
    "choose|chose|choosing|select|selected|selecting|pick|picked|picking|go with|going with|opt for"
    "|vote for|settle on|settle for|go for|say|answer with|lean toward|lean towards|bet on|think"
    "|believe|guess|prefer|wähle"
    "|nehme|choisis|elijo|escojo|scelgo|escolho"
)
_IT = _words(
    "it is|it's|that is|that's|this is|it has to be|it must be|it should be|it would be"
    "|that would be|that must be|it was|c'est|es ist|das ist|es la|ce serait"
)
_CHINESE_STATED = (
    "(?:答案|正确答案|选项|正解|答え|回答)(?:应该|應該|应|應)?(?:是|为|為|は|[:：])"
    "|(?:应该|應該|应|應)?(?:选择|選擇|选|選)(?:项|項)?[:：]?"
    "|(?:정답|답)(?:은|:)"
)
LABEL_BEFORE = _before(rf"\b(?:{_LABEL})\s*")
_STATED = (
    # "the answer to the question, I think, is option"
    rf"\b(?:{_ANSWER})\b(?:\s+(?!(?:{_BE})\b)[\w'’]+){{0,6}},?(?:\s+I\s+\w+,)?"
    rf"\s*(?:\b(?:{_BE})\b|=|:|-|–|—|→)[\s:]*{_FILLER}"
    rf"|\b(?:{_PICK})[\s:]+{_FILLER}"
    rf"|\b(?:{_IT})\s+{_FILLER}"
    rf"|{_CHINESE_STATED}\s*"
    r"|\b(?:answer|respuesta|antwort|réponse)\s+"
    # a correction: "the answer is A, no wait, B"
    r"|\b(?:no|wait|actually|sorry|i mean|correction|scratch that|or rather|make that)[\s,.:…]+"
)
STATED_BEFORE = _before(_STATED)
FINAL_BEFORE = _before(
    rf"\bfinal\s+(?:answer|choice|decision)\b[\w\s]{{0,12}}?(?:\bis\b|:|-|=)?\s*{_FILLER}"
    "|(?:最终|最終)(?:答案|的?回答)?(?:是|为|[:：])"
)
_RIGHT = _words(
    "correct|right|true|accurate|best|the answer|my answer|most likely|more likely|the most"
    "|the best|the correct|the right|the only|the one|supported|appropriate|suitable|valid|richtig"
    "|korrekt|correcta|correcto|correcte|correct|bonne|la bonne|corretta|correta|la correcta"
    "|la réponse"
)
STATED_AFTER = re.compile(
    r"[\s,]*(?:\([^)]*\)\s*)?(?:(?:"
    + _words("is|'s|must be|would be|should be|has to be|are|ist|est|es|è|é")
    + rf")\s+(?:(?:{_ADVERB}|indeed)\s+)*(?:{_RIGHT})\b"
    r"|\s*[:–—-]\s*(?:right|correct|yes|true)\b|是?(?:正确|正確|对的|正解))",
    re.IGNORECASE,
)

_NOT = _words(
    "not|never|nor|neither|except|excepting|excluding|exclude|excludes|excluded|rather than"
    "|instead of|other than|unlike|without|cannot|anything but|everything but|all but|rules? out"
    "|ruled out|ruling out|eliminate|eliminates|eliminated|eliminating|discard|discarded|reject"
    "|rejected|ignore|as opposed to|than|over|nicht|kein|keine|pas|sauf|non|não|nunca|tampoco"
    "|excepto|не"
)
_BETWEEN = _words(
    "option|options|choice|choices|letter|answer|be|a|the|even|actually|necessarily|likely|think"
    "|believe|it|it's|is|that|either|both|really|say|choose|pick|select|go|with|for|or|of|any|by"
    "|possibly|ever|est|es|é|è|la|opción|antwort|réponse|correct|right|have|been"
)
DENIED_BEFORE = _before(
    rf"(?:\b(?:{_NOT})\b|n[’']t\b)(?!\s+(?:only|just|sure|certain))"
    rf"(?:[\s:]+(?:{_BETWEEN})\b)*\s*"
    r"|(?:不是|并非|並非|不选|不選|不应选|非|排除|ではなく|じゃなく|아닌)\s*"
    r"|\b(?:no|no\s+es)\s+(?:la\s+|option\s+|opción\s+)?"
)
_WRONG = _words(
    "not|wrong|incorrect|false|untrue|unlikely|impossible|eliminated|excluded|ruled out|out|invalid"
    "|inaccurate|unsupported|irrelevant|never|neither|too|a distractor|the wrong|implausible"
    "|contradicted|less|falsch|faux|fausse|incorrecta|incorrecto|sbagliata|errada|nicht|no|pas"
    "|nonsense|off|unreasonable"
)
DENIED_AFTER = re.compile(
    r"[\s,]*(?:\([^)]*\)\s*)?(?:(?:"
    + _words(
        "is|are|was|were|seems?|looks?|appears?|would be|can be|could be|must be|should be|has been"
        "|have been|ist|sind|est|sont|es|son|è|é|seems? to be|appears? to be|both|all"
    )
    + rf")[\s,]+)+(?:\w+ly\s+)?(?:{_WRONG})\b"
    r"|[\s,]*(?:\([^)]*\)\s*)?(?:"
    + _words(
        "isn['’]t|aren['’]t|wasn['’]t|cannot|can['’]t|can not|doesn['’]t|does not|do not|don['’]t"
        "|won['’]t|didn['’]t|did not|wouldn['’]t|couldn['’]t|contradicts?|fails?|n['’]est pas"
        "|no es|non è|não é|ist nicht"
    )
    + r")(?![\w])"
    r"|\s*[:–—-]\s*(?:wrong|incorrect|false|not|no)\b"
    r"|\s*(?:不是|不对|不對|错|錯|不正确|不正確|は違|は間違|은 틀|는 틀|가 아니)",
    re.IGNORECASE,
)
CONDITION = re.compile(
    r"(?:\b(?:if|whether|unless|suppose|supposing|assuming|although|though|while|whereas|despite|wenn|falls|ob|si|se)\b[^,;]*"
    r"|(?:如果|若|是否|もし)[^，,]*)$",
    re.IGNORECASE,
)
CONDITION_AFTER = re.compile(r"\s*,?\s*(?:only\s+)?(?:if|when|unless|provided)\b", re.IGNORECASE)
# Another letter in the same sentence that is called possible makes the first one a guess.
RIVAL_BEFORE = _before(
    r"\b(?:could|might|may)(?:\s+(?:also|well|even))*\s+be|\b(?:maybe|perhaps|possibly|or)\b,?"
    r"|\bso\s+(?:does|is|do|are)|\bas\s+(?:does|is)"
)
RIVAL_AFTER = re.compile(
    r"\s+(?:(?:is|are|seems|looks|remains)\s+(?:also\s+|equally\s+|just\s+as\s+)*"
    r"(?:possible|plausible|likely|conceivable|good|right|correct|too)"
    r"|(?:also|too|could|might|may|would\s+also|can\s+also)\b)",
    re.IGNORECASE,
)
# A lead has nothing before it in its sentence, and an end, a mark or a reason behind it.
NOTHING_BEFORE = re.compile(rf"[\s\"“”(\[{{>]*(?:(?:{_LABEL})\s*:?\s*)?[(\[{{]*", re.IGNORECASE)
LISTED_BEFORE = re.compile(r"[,;]\s*[(\[{]?$")
LISTED_AFTER = re.compile(r"[A-Za-z]?[\])}]*\s*[:)]|[\])}]")
BEGINS = re.compile(r"\s*(?:[.:,\n]|[-–—]\s|(?:because|since|as)\b)", re.IGNORECASE)
DELIMITER = re.compile(
    r"[A-Za-z]?[\])}]*\s*(?:[.:,;!–—-]|$|\n|\(|"
    r"(?:because|since|as|but|due|given|for|weil|denn|car|parce|porque|perché|which|–)\b|因为|因為|[。，])"
    r"|[\])}]",
    re.IGNORECASE,
)
