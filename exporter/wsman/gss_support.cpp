// Texts for GSSAPI's status codes.
#include "exporter/wsman/gss_support.h"

namespace entrepot::wsman::gss {
namespace {

std::string text_of(OM_uint32 status, int type, gss_OID mechanism) {
    std::string all;
    OM_uint32 message_context = 0;
    constexpr int kLinesMax = 8;
    for (int line = 0; line < kLinesMax; ++line) {
        OM_uint32 minor = 0;
        Output text;
        const OM_uint32 major =
            gss_display_status(&minor, status, type, mechanism, &message_context, text.target());
        if (GSS_ERROR(major)) break;
        if (!all.empty()) all += ", ";
        all.append(as_text(text.bytes()));
        if (message_context == 0) break;
    }
    return all;
}

}  // namespace

std::string describe(OM_uint32 major, OM_uint32 minor, gss_OID mechanism) {
    std::string text = text_of(major, GSS_C_GSS_CODE, GSS_C_NO_OID);
    const std::string detail = text_of(minor, GSS_C_MECH_CODE, mechanism);
    if (!detail.empty() && detail != text) text += ": " + detail;
    return text;
}

}  // namespace entrepot::wsman::gss
