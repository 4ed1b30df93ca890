// The states of a pack, in words and in meaning.
#include "storage/catalog/catalog.h"

namespace entrepot::catalog {

std::string_view to_string(PackState state) {
    switch (state) {
        case PackState::open:
            return "open";
        case PackState::live:
            return "live";
        case PackState::compacting:
            return "compacting";
        case PackState::condemned:
            return "condemned";
        case PackState::deleting:
            return "deleting";
    }
    return "unknown";
}

bool is_readable(PackState state) {
    switch (state) {
        case PackState::live:
        case PackState::compacting:
        case PackState::condemned:
            return true;
        case PackState::open:
        case PackState::deleting:
            return false;
    }
    return false;
}

}  // namespace entrepot::catalog
