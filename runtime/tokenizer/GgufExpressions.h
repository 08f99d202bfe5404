//===- GgufExpressions.h - How models split words ---------------*- C++ -*-===//
//
// The regular expressions of the tokenizer.json of models, in Oniguruma's
// syntax, for the table of GgufPreTokenizers.cpp. Where llama.cpp has only
// something near, as its engine knows no small letters beyond ASCII, this is
// still what the model was trained with.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_GGUFEXPRESSIONS_H
#define MARIMBA_RUNTIME_TOKENIZER_GGUFEXPRESSIONS_H

#include <string_view>

namespace marimba::rt::text::expressions {

// The parts that several have.
#define CONTRACTIONS R"((?i:'s|'t|'re|'ve|'m|'ll|'d))"
#define LETTERS R"([^\r\n\p{L}\p{N}]?\p{L}+)"
#define SIGNS R"( ?[^\s\p{L}\p{N}]+[\r\n]*)"
#define SPACES R"(\s+(?!\S)|\s+)"
#define LINES R"(\s*[\r\n]+)"
/// A word in capitals, or one of small letters that starts with capitals.
#define CAPITAL R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define SMALL R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define CASED(END)                                                             \
  R"([^\r\n\p{L}\p{N}]?)" CAPITAL "*" SMALL "+" END                            \
  R"(|[^\r\n\p{L}\p{N}]?)" CAPITAL "+" SMALL "*" END

constexpr std::string_view gpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|)" SPACES;
constexpr std::string_view llama3 =
    CONTRACTIONS "|" LETTERS R"(|\p{N}{1,3}|)" SIGNS "|" LINES "|" SPACES;
constexpr std::string_view qwen2 =
    CONTRACTIONS "|" LETTERS R"(|\p{N}|)" SIGNS "|" LINES "|" SPACES;
constexpr std::string_view qwen35 = CONTRACTIONS
    R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*)"
    "|" LINES "|" SPACES;
/// Without English: a Turkish suffix behind an apostrophe stays whole.
constexpr std::string_view ufakzeka =
    LETTERS R"(|\p{N}|)" SIGNS "|" LINES "|" SPACES;
constexpr std::string_view minicpm5 =
    CONTRACTIONS "|" LETTERS R"(|\p{N}+|)" SIGNS "|" LINES "|" SPACES;
constexpr std::string_view seedCoder = CONTRACTIONS
    "|" LETTERS R"(|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|)" LINES "|" SPACES;
constexpr std::string_view bailing =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}|)"
    R"( ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|)" SPACES;
/// Words with a space between may be one.
constexpr std::string_view exaoneMoe = CONTRACTIONS
    R"(|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|)" SPACES;
/// Spaces by powers of two. The model's own file lacks what stands before the
/// line ends; that only keeps long runs of spaces from being searched for line
/// ends again and again: behind a space of a run without any there is none.
constexpr std::string_view jais2 = CONTRACTIONS
    "|" LETTERS R"(|\p{N}{1,3}|)" SIGNS R"(|(?<![^\S\r\n]))" LINES
    R"(|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S))"
    R"(|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1})";

constexpr std::string_view tekken =
    CASED("") R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" LINES "|" SPACES;
constexpr std::string_view gpt4o =
    CASED(CONTRACTIONS "?") R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" LINES
                            "|" SPACES;
constexpr std::string_view youtu =
    CASED(CONTRACTIONS "?") R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" LINES
                            "|" SPACES;
/// Han characters stand apart from other letters.
constexpr std::string_view kimi =
    R"([\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*)"
    R"([\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+)" CONTRACTIONS
    R"(?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+)"
    R"([\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*)" CONTRACTIONS
    R"(?|\p{N}{1,3}|)" SIGNS "|" LINES "|" SPACES;

// What comes before or between.
constexpr std::string_view oneDigit = R"(\p{N})";
constexpr std::string_view upTo3Digits = R"(\p{N}{1,3})";
constexpr std::string_view digits = R"(\p{N}+)";
constexpr std::string_view threeDigits = "[0-9][0-9][0-9]";
// Groups of three from the right: DigitGroups.h.
constexpr std::string_view thousands = R"(\d{1,3}(?=(?:\d{3})*\b))";
constexpr std::string_view thousandsOfWords = R"((?=(\d{3})+(?!\d)))";
constexpr std::string_view thousandsOfNumbers =
    R"(\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N})))";
constexpr std::string_view lineEnd = R"([\r\n])";
constexpr std::string_view linesApart = R"([^\n]+|[\n]+)";
constexpr std::string_view signsOfDefault = R"([\p{P}$+<=>^~|]+)";
constexpr std::string_view signsOfFalcon = R"([\p{P}$+<=>^~|`]+)";
constexpr std::string_view bloom =
    R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)";

// Of DeepSeek.
#define PUNCTUATED R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+)"
constexpr std::string_view deepseek3 = PUNCTUATED
    R"(|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|)" LINES
    "|" SPACES;
constexpr std::string_view spark = PUNCTUATED
    R"(|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+|[\r\n]|)" SPACES;
constexpr std::string_view hanAndKana =
    R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)";
constexpr std::string_view asian =
    R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)";
constexpr std::string_view spacedLetters = R"(\s?\p{L}+)";
constexpr std::string_view spacedPunctuation = R"(\s?\p{P}+)";
constexpr std::string_view spacedSigns =
    R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F})"
    R"(\x{3000}-\x{3002}]+)";
/// What stands in front is ours, for the sake of long runs of spaces.
constexpr std::string_view spacesAtEnd = R"((?<!\s)\s+$)";
constexpr std::string_view spacedCasedLetters =
    R"(\s?[)"
    R"(A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF})"
    R"(\x{1C4}-\x{293}\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377})"
    R"(\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1})"
    R"(\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556})"
    R"(\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA})"
    R"(\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A})"
    R"(\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D})"
    R"(\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D})"
    R"(\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4})"
    R"(\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC})"
    R"(\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113})"
    R"(\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D})"
    R"(\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E})"
    R"(\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE})"
    R"(\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F})"
    R"(\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06})"
    R"(\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A})"
    R"(\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB})"
    R"(\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF})"
    R"(\x{1E900}-\x{1E943})"
    "]+";

// Of AFMoE, Youtu and Chameleon.
constexpr std::string_view scriptsOfAfmoe =
    R"([\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{8C48}-\x{FAFF}\x{3040}-\x{309F})"
    R"(\x{30A0}-\x{30FF}\x{FF65}-\x{FF9F}\x{2F00}-\x{2FDF}\x{E40}-\x{E7F})"
    R"(\x{E80}-\x{EFF}\x{1780}-\x{17FF}\x{1000}-\x{109F}\x{AA60}-\x{AA7F})"
    R"(\x{A9E0}-\x{A9FF}\x{AC00}-\x{D7AF}\x{1100}-\x{11FF}]+)";
constexpr std::string_view scriptsOfYoutu =
    R"([\x{AC00}-\x{D7A3}\x{3131}-\x{318E}]+|[\x{FF01}\x{2026}\x{201C}\x{201D})"
    R"(\x{2018}\x{2019}\x{2014}\x{FF1A}\x{FF1B}\x{FF0C}\x{3001}-\x{303F})"
    R"(\x{FE30}-\x{FE4F}]+|[\x{3105}-\x{312F}]+|)"
    R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)";
constexpr std::string_view sentinels = "<sentinel:[0-9]+>";
constexpr std::string_view images = "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z";
constexpr std::string_view blanks = R"(([\t\n]|    |  ))";
constexpr std::string_view onePunctuation = R"([\p{P}!-/:-@\[-`{-~])";

#undef CONTRACTIONS
#undef LETTERS
#undef SIGNS
#undef SPACES
#undef LINES
#undef CAPITAL
#undef SMALL
#undef CASED
#undef PUNCTUATED

} // namespace marimba::rt::text::expressions

#endif // MARIMBA_RUNTIME_TOKENIZER_GGUFEXPRESSIONS_H
