"""The phrasings of questions, for training and for scoring only."""

# The key of a question, then its phrasings; training never sees those with a star.
_TABLE = """
describe picture
    Describe the picture.
    What do you see?
    Say what the picture shows.
    * Describe it.
describe clip
    Describe the video.
    What happens?
    Say what the video shows.
    * Tell me what happens.
name
    What is this?
    What is in the picture?
    What do you see?
    Name the thing in the picture.
    What am I looking at?
    Which thing is this?
    * What does the picture show?
    * What can be seen here?
colour
    What colour is the {x}?
    What color is the {x}?
    Which colour does the {x} have?
    Say what colour the {x} is.
    What is the {x}'s color?
    * What is the colour of the {x}?
    * Tell me the color of the {x}.
background
    What colour is the background?
    What color is the background?
    Which colour does the background have?
    Say what colour is behind everything.
    * What is the colour of the background?
    * Tell me the background color.
place
    Where is the {x}?
    Where in the picture is the {x}?
    Where can you see the {x}?
    Whereabouts is the {x}?
    Tell me where the {x} is.
    Find the {x}.
    Where should I look for the {x}?
    What place is the {x} in?
    * In which part of the picture is the {x}?
    * What is the position of the {x}?
left or right
    Is the {x} left or right of the {y}?
    Is the {x} right or left of the {y}?
    On which side of the {y} is the {x}, left or right?
    Where is the {x}: left of the {y}, or right of it?
    Does the {x} stand left or right of the {y}?
    * Is the {x} to the right or to the left of the {y}?
above or below
    Is the {x} above or below the {y}?
    Is the {x} below or above the {y}?
    Where is the {x}: above the {y}, or below it?
    Does the {x} stand above or below the {y}?
    * Seen from the {y}, is the {x} below it or above it?
neighbour
    What is {relation} the {y}?
    What can you see {relation} the {y}?
    Name what is {relation} the {y}.
    * Which thing is {relation} the {y}?
presence
    Is there {a_x}?
    Is there {a_x} in the picture?
    Can you see {a_x}?
    * Does the picture show {a_x}?
    * Do you see {a_x} anywhere?
count
    How many {xs} are there?
    How many {xs} can you see?
    Count the {xs}.
    How many {xs} do you count?
    Tell me how many {xs} there are.
    Are there any {xs}, and how many?
    * How many {xs} does the picture show?
    * What is the number of {xs}?
bigger
    Which is bigger, the {x} or the {y}?
    Which one is larger, the {x} or the {y}?
    * What is bigger: the {x} or the {y}?
smaller
    Which is smaller, the {x} or the {y}?
    Which one is smaller, the {x} or the {y}?
    * What is smaller: the {x} or the {y}?
cell
    What is in row {row}, column {column}?
    What do you see in row {row}, column {column}?
    * Look at column {column} of row {row}: what is there?
odd
    Which one is different?
    What is the odd one out?
    Which one is not like the others?
    * Which one does not belong?
number
    What number is shown?
    Which number do you see?
    Read the number.
    * What is the number in the picture?
word
    What does it say?
    What word is shown?
    Read the word.
    * What is written in the picture?
kind
    What kind of document is this?
    What is this?
    * Which type of document is it?
total
    What is the total?
    How much is the total?
    * How much was paid in all?
shop
    What is the name of the shop?
    Which shop is it from?
    * What is the shop called?
field
    What is the {field} on the form?
    Which {field} is on the form?
    * Read the {field} from the form.
heading
    What is the heading?
    What does the heading say?
    * What is the title of the page?
num bars
    How many bars are there?
    Count the bars.
    * What is the number of bars?
tallest
    What colour is the tallest bar?
    Which bar is the highest?
    * What is the colour of the highest bar?
shortest
    What colour is the shortest bar?
    Which bar is the lowest?
    * What is the colour of the lowest bar?
largest part
    What colour is the biggest part?
    Which part of the pie is the largest?
    * What is the colour of the largest part?
motion
    Which way does the {x} move?
    In which direction does the {x} move?
    Where does the {x} go?
    Tell me which way the {x} moves.
    What does the {x} do?
    How does the {x} move?
    What is the movement of the {x}?
    Say where the {x} is heading.
    * Which way is the {x} going?
    * What is the direction of the {x}?
moves
    Does the {x} move?
    Is the {x} moving?
    Tell me whether the {x} moves.
    * Does the {x} go anywhere?
mover
    What moves?
    Which thing moves?
    * Which thing is in motion?
first
    What comes first?
    What do you see first?
    What appears first?
    Tell me what comes first.
    What is there at the start?
    What does the video begin with?
    * Which thing is shown first?
last
    What comes last?
    What do you see last?
    What appears last?
    Tell me what comes last.
    What is there at the end?
    What does the video end with?
    * Which thing is shown last?
after
    What comes after the {x}?
    What follows the {x}?
    What do you see after the {x}?
    What is next, after the {x}?
    * Which thing is shown after the {x}?
earlier
    Which comes first, the {x} or the {y}?
    What appears first, the {x} or the {y}?
    Which do you see first, the {x} or the {y}?
    Is the {x} or the {y} there first?
    * Which is shown earlier, the {x} or the {y}?
change
    What does the {x} turn into?
    What does the {x} become?
    * Into what does the {x} change?
new colour
    What colour does the {x} turn?
    What colour is the {x} at the end?
    * Which color does the {x} get?
old colour
    What colour is the {x} at first?
    What colour was the {x} before?
    * Which color did the {x} have at the start?
appear
    What appears?
    What is new at the end?
    * Which thing shows up?
vanish
    What disappears?
    What is gone at the end?
    * Which thing vanishes?
tally
    How many {xs} appear?
    How many {xs} come in?
    * Count the {xs} that show up.
scroll
    What does the text say?
    Which word moves through?
    Read the moving word.
    * What is written on the moving text?
behind
    What is behind the {x}?
    What is hidden behind the {x}?
    * What would I find behind the {x}?
maker
    Who made this picture?
    Who took this picture?
    * Who is the author of the picture?
when
    When was this made?
    On which day was this made?
    * What was the date when this was made?
owner
    Who owns the {x}?
    Whose {x} is this?
    * Who does the {x} belong to?
price
    How much does the {x} cost?
    What is the price of the {x}?
    * What would I pay for the {x}?
unseen
    What does the {x} smell like?
    How heavy is the {x}?
    * How old is the {x}?
beyond
    What is the name of the person who made this?
    What happened before this?
    * What will happen after this?
"""


def _read(table: str) -> dict[bool, dict[str, tuple[str, ...]]]:
    """Parses the table: False (training) or True (scoring) -> question -> phrasings."""
    questions: dict[bool, dict[str, tuple[str, ...]]] = {False: {}, True: {}}
    key = ""
    for line in table.strip().splitlines():
        if not line.startswith(" "):
            key = line
            continue
        held = line.strip().startswith("* ")
        phrase = line.strip().removeprefix("* ")
        questions[held][key] = (*questions[held].get(key, ()), phrase)
    return questions


QUESTIONS = _read(_TABLE)
