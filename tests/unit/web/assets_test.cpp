// The console as it is compiled in. Follows web/assets.h.
#include "web/assets.h"

#include <catch2/catch.hpp>

#include <string>

namespace entrepot::web {
namespace {

std::string path_in_index(std::string_view before) {
    const std::string_view page = find_asset("/")->content;
    const std::size_t begin = page.find(before);
    REQUIRE(begin != std::string_view::npos);
    const std::size_t path = begin + before.size();
    return "/" + std::string{page.substr(path, page.find('"', path) - path)};
}

}  // namespace

TEST_CASE("web assets: the address of the console gives its only page", "[web]") {
    const Asset* page = find_asset("/");
    REQUIRE(page != nullptr);
    CHECK(page == find_asset("/index.html"));
    CHECK(page->content_type == "text/html; charset=utf-8");
    CHECK(page->content.starts_with("<!doctype html>"));
    CHECK(page->etag.front() == '"');
    CHECK(page->etag.back() == '"');
}

TEST_CASE("web assets: what the page names is there, with its type", "[web]") {
    const Asset* script = find_asset(path_in_index("src=\"./"));
    REQUIRE(script != nullptr);
    CHECK(script->content_type == "text/javascript; charset=utf-8");
    const Asset* style = find_asset(path_in_index("rel=\"stylesheet\" crossorigin href=\"./"));
    REQUIRE(style != nullptr);
    CHECK(style->content_type == "text/css; charset=utf-8");
    CHECK(script->etag != style->etag);
    CHECK(find_asset(path_in_index("rel=\"icon\" href=\"./"))->content_type == "image/svg+xml");
}

TEST_CASE("web assets: nothing else is there", "[web]") {
    CHECK(find_asset("") == nullptr);
    CHECK(find_asset("/assets/") == nullptr);
    CHECK(find_asset("/../package.json") == nullptr);
}

}  // namespace entrepot::web
