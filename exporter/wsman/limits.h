// Bounds of the WS-Management client: what a host may send, and how long we wait for it.
#pragma once

#include "base/bytes.h"

#include <chrono>
#include <cstddef>

namespace entrepot::wsman::limits {

inline constexpr std::size_t kAnswerBytesMax = 8 * kMiB;
inline constexpr std::size_t kAnswerHeaderBytesMax = 64 * kKiB;
inline constexpr std::size_t kXmlDepthMax = 64;
inline constexpr std::size_t kXmlElementsMax = 250'000;
inline constexpr std::size_t kXmlAttributesMax = 64;  ///< Of one element.
inline constexpr std::size_t kSelectorsMax = 32;
inline constexpr std::size_t kItemsMax = 200'000;  ///< Of one enumeration.
inline constexpr std::size_t kPullsMax = 200'000;
inline constexpr int kPullTimeoutsMax = 10;  ///< In a row: each is one operation timeout.
inline constexpr int kEnumerationRestartsMax = 4;
inline constexpr int kLoginLegsMax = 8;
inline constexpr std::size_t kLoginTokenBytesMax = 64 * kKiB;
/// Of one line among the headers inside a sealed body.
inline constexpr std::size_t kSealedHeaderBytesMax = 1 * kKiB;
/// How much longer than the plain text a sealed one may be.
inline constexpr std::size_t kSealPaddingBytesMax = 32;
inline constexpr std::size_t kClientPemBytesMax = 64 * kKiB;
inline constexpr std::size_t kFaultTextBytesMax = 4 * kKiB;
inline constexpr int kRecordedExchangesMax = 20'000;
inline constexpr std::size_t kRedactedNamesMax = 1'000;
inline constexpr std::size_t kProbedAddressesMax = 8;  ///< Of one name.
inline constexpr std::size_t kReportedNamesMax = 20;   ///< Of one certificate.
inline constexpr std::size_t kReportedTextBytesMax = 300;

inline constexpr std::chrono::seconds kConnectTimeout{15};
inline constexpr std::chrono::seconds kHandshakeTimeout{15};
inline constexpr std::chrono::seconds kOperationTimeout{60};
inline constexpr std::chrono::seconds kIdentifyTimeout{30};
/// The host ends an operation by itself; only then do we give up on the answer.
inline constexpr std::chrono::seconds kRequestTimeout{90};
inline constexpr long kSlowBytesPerSecond = 64;
inline constexpr std::chrono::seconds kSlowDuration{75};
/// A connection that was idle for longer is tried with a harmless request before one that acts.
inline constexpr std::chrono::seconds kIdleDoubtful{20};

inline constexpr int kRequestsPerHostMax = 4;  ///< Under way at a time, over all connections.
/// What is turned away within it counts as one overload.
inline constexpr std::chrono::seconds kOverloadWindow{1};
/// How long a request is asked for again that a quota turned away.
inline constexpr std::chrono::minutes kQuotaPatience{10};
inline constexpr std::chrono::seconds kQuotaPatienceShort{10};  ///< Where somebody waits.
inline constexpr std::chrono::seconds kRetryDelayMax{30};       ///< Of one pause.
/// Domains lock accounts after five or ten refusals, some after three.
inline constexpr int kLoginRefusalsMax = 2;
inline constexpr std::chrono::minutes kLoginPause{60};

/// MS-WSMV: the service's default is 500 KiB.
inline constexpr std::size_t kEnvelopeBytesMax = 512'000;
inline constexpr std::size_t kItemsPerPullMax = 100;

}  // namespace entrepot::wsman::limits
