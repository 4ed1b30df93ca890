// Folders of a guest as one file, made while it is sent.
#include "appliance/api/content_disposition.h"
#include "appliance/api/guest_place.h"
#include "appliance/api/routes.h"
#include "appliance/files/guest_archive.h"

#include "base/error.h"

#include <fmt/format.h>

#include <memory>

namespace entrepot::api {
namespace {

constexpr const char* kNotRestoredField = "entrepot-not-restored";

const char* content_type_of(files::ArchiveFormat format) {
    return format == files::ArchiveFormat::zip ? "application/zip" : "application/x-tar";
}

// Whatever ends it early, be it that the session has ended, leaves the archive, and the answer,
// without an end.
void stream_archive(files::GuestArchive& archive, std::map<std::string, std::string>& trailers,
                    const StreamWriter& write, const std::stop_token& stop) {
    const files::ArchiveSink sink = [&](ByteView piece) {
        if (!write(as_text(piece))) throw Error{ErrorCode::cancelled, "nobody takes it any more"};
    };
    const files::ArchiveReport report = archive.write(sink, stop);
    trailers[kNotRestoredField] = std::to_string(report.not_restored_count);
}

Response download_archive(const Request& request, Services& services) {
    const files::ArchiveWish wish{guest_file_of(request, services),
                                  files::archive_format_from(request.query_value("format")),
                                  files::archive_names_from(request.query_value("names"))};
    // Shared because the stream is a function that is copied.
    const auto archive = std::make_shared<files::GuestArchive>(
        services.clock, services.guest_files.open_disk(wish.place.disk), wish);
    const auto trailers = std::make_shared<std::map<std::string, std::string>>();
    Response response;
    response.headers["content-type"] = content_type_of(wish.format);
    response.headers["content-disposition"] = attachment_named(
        fmt::format("{}.{}", files::archive_top_name(wish.place), files::to_string(wish.format)));
    response.headers["content-security-policy"] = "default-src 'none'; sandbox";
    response.headers["trailer"] = kNotRestoredField;
    response.trailers = trailers;
    response.stream = [archive, trailers](const StreamWriter& write, const std::stop_token& stop) {
        stream_archive(*archive, *trailers, write, stop);
    };
    return response;
}

}  // namespace

void add_guest_archive_routes(Router& router, Services& services) {
    router.add("downloadGuestArchive",
               [&](const Request& request) { return download_archive(request, services); });
}

}  // namespace entrepot::api
