// Bounds of users, sessions, tokens, links, sign-ins and the audit log.
#pragma once

#include "base/bytes.h"

#include <chrono>
#include <cstddef>

namespace entrepot::access::limits {

inline constexpr std::size_t kUsersMax = 1000;
inline constexpr std::size_t kUserNameBytesMax = 64;
/// Length is what makes a password hard to guess; the upper bound is for the hash's sake.
inline constexpr std::size_t kPasswordBytesMin = 12;
inline constexpr std::size_t kPasswordBytesMax = 256;

inline constexpr std::size_t kTokensPerUserMax = 100;
inline constexpr std::size_t kTokenNameBytesMax = 128;
inline constexpr std::chrono::hours kTokenLifeMax{24 * 366};
/// How exactly "last used" is known: a write for each request would be too many.
inline constexpr std::chrono::minutes kTokenUseGrain{1};

inline constexpr std::chrono::hours kLinkLife{24};
inline constexpr std::size_t kLinksMax = 64;

inline constexpr std::size_t kSessionsMax = 1000;
inline constexpr std::size_t kSessionsPerUserMax = 16;
inline constexpr std::chrono::minutes kSessionIdleMax{30};
inline constexpr std::chrono::hours kSessionLifeMax{12};
/// How long a password that was just given also allows what destroys or reveals.
inline constexpr std::chrono::minutes kConfirmationLife{10};
inline constexpr std::size_t kUserAgentBytesMax = 256;

/// Failures that cost nothing; after them the wait doubles from a second up to the bound. The
/// bound of an account is low, so that nobody can lock its owner out for long.
inline constexpr int kFailuresFree = 5;
inline constexpr std::chrono::seconds kAccountDelayMax{30};
inline constexpr std::chrono::seconds kSourceDelayMax{15 * 60};
inline constexpr std::chrono::hours kFailureMemory{24};
inline constexpr std::size_t kThrottleEntriesMax = 10'000;
/// More than anybody mistypes: what an administrator is told of.
inline constexpr int kFailuresSuspicious = 10;
inline constexpr std::size_t kSuspectsMax = 3;

inline constexpr std::size_t kAuditTextBytesMax = 512;
inline constexpr std::size_t kAuditDetailsBytesMax = 4 * kKiB;
inline constexpr std::size_t kAuditPageMax = 1000;

}  // namespace entrepot::access::limits
