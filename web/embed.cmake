# Builds the console and writes a C++ file that holds it: cmake -DSOURCE=web -DOUTPUT=assets.cpp -DNPM=npm -P embed.cmake
# The files go in by the assembler's .incbin, which takes no time; the compiler sees their names only.
set(installed ${SOURCE}/node_modules/.package-lock.json)
if(NOT EXISTS ${installed} OR ${SOURCE}/package-lock.json IS_NEWER_THAN ${installed})
  execute_process(COMMAND ${NPM} ci --no-audit --no-fund --loglevel=error WORKING_DIRECTORY ${SOURCE} COMMAND_ERROR_IS_FATAL ANY)
  file(TOUCH ${installed})
endif()
execute_process(COMMAND ${NPM} run --silent build WORKING_DIRECTORY ${SOURCE} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

set(content_type_.html "text/html; charset=utf-8")
set(content_type_.js "text/javascript; charset=utf-8")
set(content_type_.css "text/css; charset=utf-8")
set(content_type_.svg "image/svg+xml")

file(GLOB_RECURSE files LIST_DIRECTORIES false RELATIVE ${SOURCE}/dist ${SOURCE}/dist/*)
list(SORT files)
set(blobs "")
set(rows "")
set(number 0)
foreach(file IN LISTS files)
  get_filename_component(extension ${file} LAST_EXT)
  set(type "${content_type_${extension}}")
  if(NOT type)
    message(FATAL_ERROR "web: no content type for ${file}")
  endif()
  file(SHA256 ${SOURCE}/dist/${file} digest)
  string(SUBSTRING ${digest} 0 32 digest)
  set(name entrepot_web_asset_${number})
  string(APPEND blobs "asm(\".section .rodata\\n.global ${name}\\n${name}:\\n.incbin \\\"${SOURCE}/dist/${file}\\\"\\n.global ${name}_end\\n${name}_end:\\n.byte 0\\n.text\\n\");  // ${digest}\n")
  string(APPEND blobs "extern \"C\" const char ${name}[];\nextern \"C\" const char ${name}_end[];\n\n")
  string(APPEND rows "        {\"/${file}\", \"${type}\", view(${name}, ${name}_end), \"\\\"${digest}\\\"\"},\n")
  math(EXPR number "${number} + 1")
endforeach()

file(WRITE ${OUTPUT} "// Made by web/embed.cmake from web/dist; do not edit.
#include \"web/assets.h\"

#include <array>

${blobs}namespace entrepot::web {
namespace {

std::string_view view(const char* begin, const char* end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

const Asset* find_asset(std::string_view path) {
    static const std::array<Asset, ${number}> assets{{
${rows}    }};
    if (path == \"/\") path = \"/index.html\";
    for (const Asset& asset : assets) {
        if (asset.path == path) return &asset;
    }
    return nullptr;
}

}  // namespace entrepot::web
")
