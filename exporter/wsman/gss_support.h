// Handles and error texts of GSSAPI for the files that speak it; included by no other.
#pragma once

#include "base/bytes.h"

#include <gssapi/gssapi.h>

#include <string>
#include <string_view>

namespace entrepot::wsman::gss {

/// A GSSAPI object that is released by a function of (minor, &object).
template <typename Handle, OM_uint32 (*Release)(OM_uint32*, Handle*)>
class Owned {
public:
    Owned() = default;
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;
    ~Owned() {
        OM_uint32 minor = 0;
        if (handle_ != nullptr) Release(&minor, &handle_);
    }
    Handle* target() { return &handle_; }
    Handle get() const { return handle_; }

private:
    Handle handle_ = nullptr;
};

inline OM_uint32 delete_context(OM_uint32* minor, gss_ctx_id_t* context) {
    return gss_delete_sec_context(minor, context, GSS_C_NO_BUFFER);
}

using Name = Owned<gss_name_t, gss_release_name>;
using Credential = Owned<gss_cred_id_t, gss_release_cred>;
using Context = Owned<gss_ctx_id_t, delete_context>;

/// A buffer that GSSAPI fills.
class Output {
public:
    Output() = default;
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    ~Output() {
        OM_uint32 minor = 0;
        gss_release_buffer(&minor, &buffer_);
    }
    gss_buffer_t target() { return &buffer_; }
    ByteView bytes() const {
        return {static_cast<const std::byte*>(buffer_.value), buffer_.length};
    }

private:
    gss_buffer_desc buffer_ = GSS_C_EMPTY_BUFFER;
};

inline gss_buffer_desc buffer_of(ByteView bytes) {
    return {bytes.size(), const_cast<std::byte*>(bytes.data())};
}
inline gss_buffer_desc buffer_of(std::string_view text) {
    return {text.size(), const_cast<char*>(text.data())};
}

/// The system's words for a failure, both codes.
std::string describe(OM_uint32 major, OM_uint32 minor, gss_OID mechanism);

}  // namespace entrepot::wsman::gss
