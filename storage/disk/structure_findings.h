// Collects what a check finds in one structure of an image.
#pragma once

#include "storage/disk/image_check.h"

#include "base/error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace entrepot::disk {

class StructureFindings {
public:
    StructureFindings(ImageCheck& check, std::string structure)
        : check_(check), structure_(std::move(structure)) {}

    using Offset = std::optional<std::uint64_t>;
    void add(Severity severity, FindingKind kind, std::string field, Offset offset,
             std::string message) {
        worst_ = std::max(worst_, severity);
        check_.add({severity, kind, structure_, std::move(field), offset, std::move(message)});
    }
    void damage(FindingKind kind, std::string field, Offset offset, std::string message) {
        add(Severity::damage, kind, std::move(field), offset, std::move(message));
    }
    void warn(FindingKind kind, std::string field, Offset offset, std::string message) {
        add(Severity::warning, kind, std::move(field), offset, std::move(message));
    }
    void note(FindingKind kind, std::string field, Offset offset, std::string message) {
        add(Severity::note, kind, std::move(field), offset, std::move(message));
    }
    Severity worst() const { return worst_; }

    /// What the reader makes of the structure; nullopt if it refuses. A check is never milder than
    /// the reader: a refusal that no finding explains yet becomes one.
    template <typename Read>
    auto ask_reader(Offset offset, Read&& read) -> std::optional<decltype(read())> {
        try {
            return read();
        } catch (const Error& error) {
            add_refusal(offset, error);
            return std::nullopt;
        }
    }

private:
    /// Throws it again where it says nothing about the image.
    void add_refusal(Offset offset, const Error& error);

    ImageCheck& check_;
    std::string structure_;
    Severity worst_ = Severity::note;
};

}  // namespace entrepot::disk
