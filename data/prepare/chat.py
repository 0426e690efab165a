"""Text-only conversations that preserve the language model's chat: `python -m data.prepare.chat`.

The base model itself answers short prompts from templates greedily, so that tuning on them keeps it
unchanged. Writes chat.jsonl and, with other words in the same templates, the held-out
chat-held.jsonl with which the tuned model's answers are compared. Capitals, sums, greetings in
other languages, short programs and the like, where such a model errs, are answered from tables
(data/prepare/general): chat-tables.jsonl, and general-held.jsonl with words of its own.
--tables OUT.jsonl writes the table part alone, without a model.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data.embedded.findings.draw import kept_out
from data.prepare.fetch import cache_folder
from data.prepare.general.answers import questions
from data.records import write_records
from vlm.ending import end

MAX_NEW_TOKENS = 80
NUM_HELD = 60
BATCH = 24
SECOND_QUESTIONS = ["Can you say that more simply?", "Tell me more.", "Why?", "Thanks!", "Shorter."]
SHARE_OF_SECOND_QUESTIONS = 0.15

# Template: words separated by "; ". Each word makes one prompt.
TEMPLATES = {
    "What is {}?": (
        "a volcano; photosynthesis; gravity; a glacier; an atom; democracy; a black hole; a "
        "haiku; jazz; yoga; a sonnet; DNA; an ecosystem; inflation; a comet; a fossil; a prime "
        "number; a metaphor; evolution; a battery; a rainbow; the moon; a desert; an island; a "
        "vaccine; rust; a solar eclipse; a tornado; an algorithm; electricity; a virus; the "
        "internet; sleep; bread; cheese; steel; glass; a compass; a telescope; a microscope; an "
        "orchestra; a museum; a harbor; a marathon"
    ),
    "Explain {} in one sentence.": (
        "friendship; the water cycle; recycling; a mortgage; the seasons; magnetism; tides; a "
        "budget; computer memory; climate; a search engine; the food chain; erosion; soil; "
        "digestion; the heart; the greenhouse effect; supply and demand; history; poetry"
    ),
    "Why {}?": (
        "is the sky blue; do leaves change color in autumn; do cats purr; do we dream; is the "
        "sea salty; do birds migrate; does ice float; do people yawn; is exercise healthy; do "
        "we need sleep; does bread rise; do stars twinkle; do dogs wag their tails; is honey "
        "sweet; do onions make us cry"
    ),
    "How do I {}?": (
        "boil an egg; tie a tie; plant tomatoes; clean a window; make tea; write a letter; fold "
        "a shirt; change a tire; save money; learn a language; make pancakes; grow herbs; fix a "
        "squeaky door; remove a stain; take a good photo; paint a wall; cook rice; train a dog; "
        "sleep better; pack a suitcase; stay focused; start a garden; sharpen a knife; bake "
        "bread; clean a keyboard"
    ),
    "Give me three tips for {}.": (
        "better sleep; a job interview; traveling light; healthy eating; public speaking; "
        "saving water; studying; camping; cooking for beginners; a tidy desk; making friends; "
        "running; reading more; a birthday party; gardening; taking notes; writing emails; time "
        "management"
    ),
    "Write a short {}.": (
        "poem about the sea; poem about rain; story about a lost dog; thank-you note; birthday "
        "greeting; invitation to a picnic; apology to a friend; poem about autumn; joke; "
        "riddle; story about a robot; note to a neighbor; poem about a cat; description of a "
        "forest; speech for a wedding; story about a lighthouse; slogan for a bakery; message "
        "to my teacher; limerick; haiku"
    ),
    "Rewrite this more politely: {}": (
        "Give me the report.; You are late.; Close the door.; I don't like it.; Call me back.; "
        "Your answer is wrong.; Stop talking.; Send the money now.; Move your car.; I want a "
        "refund.; This is too slow.; Be quiet.; Fix this today.; You forgot my order.; Don't "
        "touch that."
    ),
    "Make this sentence shorter: {}": (
        "I am writing to you today in order to ask whether you have time.; Due to the fact that "
        "it was raining, we stayed at home.; At this point in time we have no plans.; She is a "
        "person who really likes to read books a lot.; The reason we are late is because of "
        "traffic.; In the event that it snows, the school will be closed.; He made the decision "
        "to go home early."
    ),
    "What can I cook with {}?": (
        "rice and beans; eggs; potatoes; chicken and lemon; pasta; mushrooms; carrots; leftover "
        "bread; tomatoes; spinach; apples; salmon; lentils; a pumpkin; bananas; cheese"
    ),
    "What is the difference between {}?": (
        "a fruit and a vegetable; weather and climate; a crocodile and an alligator; a lake and "
        "a pond; a violin and a cello; butter and margarine; a city and a town; coffee and tea; "
        "a planet and a star; a novel and a short story; a bee and a wasp; a mile and a "
        "kilometer; a democracy and a monarchy; fog and a cloud; a turtle and a tortoise; metal "
        "and plastic"
    ),
    "Name three {}.": (
        "planets; primary colors; musical instruments; trees; rivers; mammals; inventors; "
        "vegetables; board games; breakfast foods; sports; European countries; famous painters; "
        "spices; oceans; tools; birds; seasons; metals; kinds of pasta"
    ),
    "Suggest a name for {}.": (
        "a black cat; a coffee shop; a sailboat; a puppy; a bookstore; a garden; a band; a "
        "goldfish; a bakery; a robot; a horse; a school newspaper; a travel blog; a parrot"
    ),
    "Who {}?": (
        "wrote Hamlet; painted the Mona Lisa; invented the telephone; was Marie Curie; was "
        "Isaac Newton; discovered penicillin; was Mozart; was Cleopatra; wrote Pride and "
        "Prejudice; was Gandhi; was Leonardo da Vinci; was Albert Einstein; was Amelia Earhart; "
        "built the pyramids"
    ),
    "Is it {}?": (
        "healthy to drink coffee every day; safe to eat raw eggs; hard to learn the piano; "
        "better to walk or to run; cold on Mars; good to nap; true that bats are blind; "
        "expensive to travel by train"
    ),
    "{}": (
        "Hello!; Hi there.; Good morning.; How are you?; Thank you very much.; Goodbye.; Who "
        "are you?; What can you do?; I am bored.; I feel sad today.; Tell me a joke.; Tell me "
        "something interesting.; I have a headache.; It is my birthday today!; I can't sleep.; "
        "What should I do this weekend?; I passed my exam!; Good night.; Do you like music?; "
        "What is your favorite book?; I am learning to cook.; Can you help me?; I lost my "
        "keys.; What day comes after Monday?; Recommend a hobby.; My friend is angry with me.; "
        "I am nervous about tomorrow.; Give me a word that rhymes with cat.; Say something "
        "nice.; Sing me a song.; I am hungry.; Let's talk about the sea.; Where should I "
        "travel?; hey; ok; please help"
    ),
    "Complete this sentence: {}": (
        "The best part of summer is; When I grow up, I; A good friend always; On a rainy day I "
        "like to; The secret of good soup is; If I could fly, I would; My favorite place is; "
        "The old house at the end of the street; In the morning the market; The scientist "
        "opened the box and"
    ),
    "Use the word '{}' in a sentence.": (
        "harbor; curious; lantern; gentle; bargain; whisper; glacier; recipe; puzzle; courage; "
        "orchard; journey; mirror; stubborn; festival; rhythm; shelter; velvet; horizon; anchor"
    ),
    "What are the benefits of {}?": (
        "reading; walking; learning music; drinking water; meditation; trees in cities; public "
        "transport; swimming; a garden; keeping a diary; cooking at home; volunteering; pets"
    ),
    "Describe {} in two sentences.": (
        "a busy market; a winter morning; an old library; a thunderstorm; a quiet village; a "
        "crowded train; a mountain lake; a candle-lit dinner; a soccer match; a farm at dawn; a "
        "big city at night; a summer garden; a toy shop; a desert at noon"
    ),
    "What does a {} do?": (
        "plumber; nurse; librarian; pilot; judge; baker; gardener; mechanic; journalist; "
        "dentist; carpenter; farmer; translator; firefighter; architect; cashier; teacher; "
        "photographer"
    ),
    "Tell me a fact about {}.": (
        "octopuses; owls; honeybees; elephants; the Sahara; the Amazon river; Antarctica; Mars; "
        "Saturn; the human brain; bamboo; sharks; penguins; chocolate; paper; the Eiffel Tower; "
        "spiders; whales; lightning; diamonds; coral reefs; wolves; potatoes; trains; Iceland; "
        "camels; snow; bridges; ants; Mount Everest"
    ),
    "Explain {} to a child.": (
        "rain; money; the heart; shadows; how plants grow; why we brush our teeth; day and "
        "night; how fish breathe; the alphabet; wind; a map; sharing; how a bicycle works; what "
        "a doctor does; how birds fly; why it snows; voting; recycling; the senses; time zones; "
        "a telephone; germs; saving money; echoes; how cheese is made"
    ),
    "What does the word '{}' mean?": (
        "resilient; ambiguous; nostalgia; frugal; obsolete; candid; diligent; fragile; novice; "
        "abundant; vivid; reluctant; serene; trivial; eloquent; hostile; plausible; scarce; "
        "tedious; versatile; humble; drought; heir; rumor; merge; vague; hectic; thrive; "
        "ponder; keen"
    ),
    "Write two sentences about {}.": (
        "my garden; a rainy Sunday; the first day of school; an old clock; a train journey; a "
        "bowl of soup; a letter from a friend; the night sky; a broken umbrella; a small "
        "bakery; a river in spring; a lost glove; a friendly baker; a long walk; a blue door; "
        "winter evenings; a noisy parrot; a new bicycle"
    ),
    "What should I wear for {}?": (
        "a wedding; a hike; a job interview; a rainy day; a winter walk; the beach; a bike "
        "ride; a dinner with friends; gardening; the gym"
    ),
    "Ask me a question about {}.": (
        "books; travel; cooking; music; pets; school; sports; films; the weather; my family; "
        "history; computers"
    ),
    "What is a good {}?": (
        "breakfast; hobby for winter; gift for a grandmother; snack after school; way to relax; "
        "habit; exercise for beginners; pet for a small flat; name for a dog; soup for a cold "
        "day; first instrument; topic for a speech"
    ),
    "What {} do I need for a cake?": ("ingredients; tools"),
    "How long does it take to {}?": (
        "boil potatoes; learn to swim; drive across a country; grow a sunflower; bake bread; "
        "fly to the moon; read a novel; heal a cut; walk five miles"
    ),
    "Say '{}' in other words.": (
        "I am looking forward to it; It is raining cats and dogs; Practice makes perfect; "
        "Better late than never; He is under the weather; That was a piece of cake; Time flies; "
        "Actions speak louder than words"
    ),
}


def prompts(seed: int = 0) -> tuple[list[str], list[str]]:
    """(for training, held out): every template with each of its words, shuffled."""
    filled = [
        t.format(word.strip()) for t, words in TEMPLATES.items() for word in words.split("; ")
    ]
    random.Random(seed).shuffle(filled)
    return filled[NUM_HELD:], filled[:NUM_HELD]


def chatml(turns: Sequence[str]) -> str:
    """User and assistant turns in ChatML without a system prompt, ready for the next answer."""
    roles = ("user", "assistant")
    text = "".join(
        f"<|im_start|>{roles[number % 2]}\n{turn}<|im_end|>\n" for number, turn in enumerate(turns)
    )
    return text + "<|im_start|>assistant\n"


def whole_sentences(answer: str, complete: bool) -> str:
    """Returns the answer; if incomplete, cut after its last whole sentence, "" if there is none."""
    answer = answer.strip()
    if complete:
        return answer
    ends = [match.end() for match in re.finditer(r"[.!?][\"')]*(?=\s|$)", answer)]
    ends = [
        end for end in ends if not re.search(r"(^|\n)\s*\d+\.$", answer[:end])
    ]  # "2." of a list
    return answer[: ends[-1]].strip() if ends else ""


def answer_all(
    conversations: Sequence[Sequence[str]], generate: Callable[[list[str]], list[tuple[str, bool]]]
) -> Iterator[tuple[list[str], str]]:
    """Yields (turns, answer) of each conversation, shortest first; drops empty answers."""
    ordered = sorted(conversations, key=lambda turns: len(chatml(turns)))
    for start in tqdm(range(0, len(ordered), BATCH), desc="chat", unit="batch"):
        batch = ordered[start : start + BATCH]
        for turns, (answer, complete) in zip(
            batch, generate([chatml(t) for t in batch]), strict=True
        ):
            answer = whole_sentences(answer, complete)
            if answer:
                yield list(turns), answer


def base_generator(folder: Path) -> Callable[[list[str]], list[tuple[str, bool]]]:
    """Greedy generation with the base model: texts -> (answer, whether it is complete)."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from vlm.loading import default_dtype

    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    dtype = default_dtype(torch.device("cpu"))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")

    @torch.inference_mode()
    def generate(texts: list[str]) -> list[tuple[str, bool]]:
        inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        ids = model.generate(
            **inputs,
            max_new_tokens=MAX_NEW_TOKENS,
            do_sample=False,
            repetition_penalty=1.1,  # without it, greedy answers of such a small model repeat
            eos_token_id=end,
            pad_token_id=end,
        )
        new = ids[:, inputs["input_ids"].shape[1] :]  # [B, L]
        return [
            (tokenizer.decode(row, skip_special_tokens=True), bool((row == end).any()))
            for row in new
        ]

    return generate


def record(number: int, split: str, turns: Sequence[str]) -> dict[str, Any]:
    """Returns a conversation as a JSONL record."""
    roles = ("user", "assistant")
    messages = [
        {"role": roles[i % 2], "content": [{"type": "text", "text": turn}]}
        for i, turn in enumerate(turns)
    ]
    return {"id": f"chat-{split}-{number:04d}", "messages": messages, "task": "chat"}


def table_conversations(seed: int = 0, held: bool = False) -> list[list[str]]:
    """[question, answer] of the tables; none that a set for scoring asks."""
    return [[q, a] for q, a in questions(seed, held) if not kept_out(q)]


def write_tables(path: Path, seed: int = 0, held: bool = False) -> int:
    """Writes the table part; needs no model. Returns the number of records."""
    split = "general-held" if held else "general"
    made = enumerate(table_conversations(seed, held))
    return write_records(path, (record(number, split, turns) for number, turns in made))


def prepare(out: Path, folder: Path, seed: int = 0) -> None:
    """Answers all prompts and writes both files."""
    generate = base_generator(folder)
    out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    for split, asked in zip(("train", "held"), prompts(seed), strict=True):
        started = time.monotonic()
        first = [[*turns, answer] for turns, answer in answer_all([[p] for p in asked], generate)]
        chosen = first if split == "train" else []
        longer = [t for t in chosen if rng.random() < SHARE_OF_SECOND_QUESTIONS]
        second = [
            [*turns, answer]
            for turns, answer in answer_all(
                [[*turns, rng.choice(SECOND_QUESTIONS)] for turns in longer], generate
            )
        ]
        path = out / ("chat.jsonl" if split == "train" else "chat-held.jsonl")
        conversations = enumerate(first + second)
        write_records(path, (record(number, split, turns) for number, turns in conversations))
        took = time.monotonic() - started
        print(f"{len(first)} conversations and {len(second)} longer ones in {path} ({took:.0f} s)")
    write_tables(out / "chat-tables.jsonl", seed)
    write_tables(out / "general-held.jsonl", seed, held=True)


def main() -> None:
    from vlm.weights.base_models import smollm2

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=cache_folder() / "assets")
    parser.add_argument("--tables", type=Path, help="write the table part alone to this file")
    arguments = parser.parse_args()
    if arguments.tables:
        print(f"{write_tables(arguments.tables)} records in {arguments.tables}")
    else:
        prepare(arguments.out, smollm2())


if __name__ == "__main__":
    end(main)
