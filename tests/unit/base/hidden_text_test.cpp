// What a terminal obeys stands in no line of a log and in no table, and no value in an error.
#include "base/hidden_text.h"
#include "base/error.h"
#include "base/json.h"
#include "base/table.h"

#include <catch2/catch.hpp>

#include <sstream>
#include <string>
#include <tuple>

using namespace entrepot;

namespace {

using Row = std::tuple<std::string, std::string>;

std::string error_of(const std::string& text) {
    try {
        parse_json(text, "a text");
    } catch (const Error& error) {
        return error.what();
    }
    return {};
}

}  // namespace

TEST_CASE("hidden text: is escaped in JSON, and comes back as it was (F-WB-19)", "[base]") {
    const auto [text, shown] = GENERATE(table<std::string, std::string>({
        {"\x1b[2J", R"("\u001b[2J")"},
        {"a\r\nb", R"("a\r\nb")"},
        {"\x7f", R"("\u007f")"},
        {"\xc2\x80", R"("\u0080")"},
        {"\xc2\x9b[2J", R"("\u009b[2J")"},
        {"\xc2\x9f", R"("\u009f")"},
        {"\xd8\x9c", R"("\u061c")"},
        {"\xe2\x80\x8e\xe2\x80\x8f", R"("\u200e\u200f")"},
        {"\xe2\x80\xa8\xe2\x80\xa9", R"("\u2028\u2029")"},
        {"\xe2\x80\xaa\xe2\x80\xae", R"("\u202a\u202e")"},
        {"\xe2\x81\xa6\xe2\x81\xa9", R"("\u2066\u2069")"},
        {"\xef\xbb\xbf", R"("\ufeff")"},
        {"a\xe2\x80\xae", R"("a\u202e")"},
    }));
    CHECK(dump_json(Json(text)) == shown);
    CHECK(parse_json(shown, "a text").get<std::string>() == text);
    CHECK(dump_json(Json{{text, 1}}) == "{" + shown + ":1}");
}

TEST_CASE("hidden text: its neighbours are shown as they are", "[base]") {
    // Umlauts, a no-break space, a hyphen, an ellipsis, a word joiner's neighbours, Arabic, a face.
    const std::string text = GENERATE("\xc3\xa4\xc3\x9f", "\xc2\xa0", "\xe2\x80\x90\xe2\x80\xa6",
                                      "\xe2\x80\xa7\xe2\x80\xaf", "\xe2\x81\xa5\xe2\x81\xaa",
                                      "\xd8\x9b\xd8\x9d", "\xf0\x9f\x99\x82", "\xef\xbb\xbe", "~");
    CHECK(dump_json(Json(text)) == "\"" + text + "\"");
    CHECK(printable(text) == text);
}

TEST_CASE("hidden text: bytes that end too early are no character", "[base]") {
    for (const std::string text : {"\xc2", "\xd8", "\xe2", "\xe2\x80", "\xe2\x81", "\xef\xbb"})
        CHECK(hidden_length(text, 0) == 0);
    CHECK(dump_json(Json("\xe2\x80")) == "\"\xef\xbf\xbd\"");
}

TEST_CASE("hidden text: an indented document keeps its lines", "[base]") {
    CHECK(dump_json(Json{{"a", "\xc2\x9b"}}, 2) == "{\n  \"a\": \"\\u009b\"\n}");
}

TEST_CASE("hidden text: a table and a printed text show a question mark (F-WB-19)", "[base]") {
    CHECK(printable("a\x1b\n\x7f") == "a???");
    CHECK(printable("a\xc2\x9b"
                    "31m\xe2\x80\xae\xe2\x80\xa8") == "a?31m??");
    Table table{{{"NAME"}}};
    table.add_row(
        {"a\xe2\x80\xae"
         "b"});
    std::ostringstream out;
    table.print(out);
    CHECK(out.str() == "NAME\na?b\n");
}

TEST_CASE("json: an error says where, and repeats no value (F-WB-16)", "[base]") {
    const std::string secret = "canary-5e3f";
    const std::string text =
        GENERATE_COPY("{\"a\":\"" + secret, "{\"a\":\"" + secret + "\n\"}",
                      "{\"a\":\"" + secret + "\\q\"}", "{\"a\":\"" + secret + "\xff\"}",
                      "{\"a\":\"" + secret + "\\ud800\"}", "\"" + secret + "\"x",
                      "{\"a\":" + secret + "}", "[\"" + secret + "\",]", "'" + secret + "'");
    INFO(text);
    CHECK(error_of(text).find("is not JSON: ") != std::string::npos);
    CHECK(error_of(text).find("column") != std::string::npos);
    CHECK(error_of(text).find(secret) == std::string::npos);
}

TEST_CASE("json: a number beyond all bounds is refused, and not repeated (F-WB-16)", "[base]") {
    CHECK(error_of("[123456e99999]") == "a text has a number beyond all bounds");
}
