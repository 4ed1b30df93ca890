// Enumerate, Pull, Release (wsman 6): a whole list or an error, never a part of one.
#include "base/error.h"
#include "exporter/wsman/client.h"
#include "exporter/wsman/fault.h"
#include "exporter/wsman/namespaces.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace entrepot::wsman {
namespace {

std::string action_of(std::string_view verb) {
    return fmt::format("{}/{}", ns::kEnumeration, verb);
}

std::string optional_element(std::string_view name, const std::string& text) {
    return text.empty() ? "" : fmt::format("<b:{0}>{1}</b:{0}>", name, escape_xml(text));
}

std::string association_of(const AssociationFilter& filter) {
    const bool wants_associations = filter.wants_associations;
    const char* kind = wants_associations ? "AssociationInstances" : "AssociatedInstances";
    // The schema fixes the order (DSP0227 9.2).
    std::string inner =
        fmt::format("<b:Object>{}</b:Object>", encode_endpoint_reference(filter.object));
    if (!wants_associations) {
        inner += optional_element("AssociationClassName", filter.association_class);
    }
    inner += optional_element("Role", filter.role);
    if (wants_associations) {
        inner += optional_element("ResultClassName", filter.association_class);
    } else {
        inner += optional_element("ResultClassName", filter.result_class);
        inner += optional_element("ResultRole", filter.result_role);
    }
    return fmt::format("<b:{0} xmlns:b=\"{1}\">{2}</b:{0}>", kind, ns::kBinding, inner);
}

std::string filter_of(const EnumerationRequest& request) {
    if (request.association) {
        return fmt::format("<w:Filter Dialect=\"{}\">{}</w:Filter>", ns::kAssociationFilter,
                           association_of(*request.association));
    }
    if (request.wql.empty()) return {};
    return fmt::format("<w:Filter Dialect=\"{}\">{}</w:Filter>", ns::kWql, escape_xml(request.wql));
}

std::string mode_of(EnumerationMode mode) {
    switch (mode) {
        case EnumerationMode::objects:
            return {};
        case EnumerationMode::references:
            return "<w:EnumerationMode>EnumerateEPR</w:EnumerationMode>";
        case EnumerationMode::objects_and_references:
            return "<w:EnumerationMode>EnumerateObjectAndEPR</w:EnumerationMode>";
    }
    return {};
}

// Items and the end stand in the enumeration's namespace in a Pull, and in WS-Management's in an
// optimized Enumerate; both are taken in both.
void read_page(XmlElement& response, std::vector<XmlElement>& items, std::string& context,
               bool& is_last) {
    for (XmlElement& child : response.children) {
        const bool is_ours = child.name_space == ns::kEnumeration || child.name_space == ns::kWsman;
        if (!is_ours) continue;
        if (child.name == "EnumerationContext") context = child.trimmed_text();
        if (child.name == "EndOfSequence") is_last = true;
        if (child.name == "Items") {
            for (XmlElement& item : child.children)
                items.push_back(std::move(item));
        }
    }
}

}  // namespace

/// One answer of an enumeration.
struct Client::Page {
    std::vector<XmlElement> items;
    std::string context;
    bool is_last = false;
};

Client::Page Client::start(const EndpointReference& target, const EnumerationRequest& request,
                           std::size_t items_max, std::stop_token stop) {
    const std::string body = fmt::format(
        "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>{}</w:MaxElements>{}{}"
        "</n:Enumerate>",
        items_max, mode_of(request.mode), filter_of(request));
    Answer answer = exchange(action_of("Enumerate"), target, body, Retry::by_caller, stop);
    Page page;
    for (XmlElement& child : answer.body.children) {
        if (!child.is(ns::kEnumeration, "EnumerateResponse")) continue;
        read_page(child, page.items, page.context, page.is_last);
    }
    return page;
}

Client::Page Client::pull(const EndpointReference& target, const std::string& context,
                          std::stop_token stop) {
    const std::string body = fmt::format(
        "<n:Pull><n:EnumerationContext>{}</n:EnumerationContext><n:MaxElements>{}</n:MaxElements>"
        "</n:Pull>",
        escape_xml(context), items_per_pull_);
    for (int attempt = 1;; ++attempt) {
        try {
            Answer answer = exchange(action_of("Pull"), target, body, Retry::by_caller, stop);
            Page page;
            for (XmlElement& child : answer.body.children) {
                if (!child.is(ns::kEnumeration, "PullResponse")) continue;
                read_page(child, page.items, page.context, page.is_last);
            }
            return page;
        } catch (const Fault& fault) {
            // The context is still good: nothing was ready in time.
            const bool may_repeat =
                fault.is_operation_timed_out() && attempt < limits::kPullTimeoutsMax;
            if (!may_repeat) throw;
        }
    }
}

void Client::release(const EndpointReference& target, const std::string& context) noexcept {
    try {
        const std::string body =
            fmt::format("<n:Release><n:EnumerationContext>{}</n:EnumerationContext></n:Release>",
                        escape_xml(context));
        exchange_once(action_of("Release"), target, body, Retry::by_caller, {});
    } catch (const std::exception&) {
        // The host drops the context by itself after some minutes.
        world_.log.debug("an enumeration was not released");
    }
}

// Who takes the items may find that one is nonsense; the host need not wait for us then.
void Client::hand_over(Page& page, const EndpointReference& target,
                       const std::function<void(XmlElement&&)>& take) {
    try {
        for (XmlElement& item : page.items)
            take(std::move(item));
    } catch (const Error&) {
        if (!page.is_last && !page.context.empty()) release(target, page.context);
        throw;
    }
}

void Client::enumerate_once(const EnumerationRequest& request,
                            const std::function<void(XmlElement&&)>& take, std::stop_token stop) {
    const EndpointReference target{request.resource_uri, {}};
    Page page = start(target, request, items_per_pull_, stop);
    std::size_t count = 0;
    for (std::size_t pulls = 0;; ++pulls) {
        const bool is_too_much =
            page.items.size() > limits::kItemsMax - count || pulls > limits::kPullsMax;
        if (is_too_much) {
            if (!page.is_last && !page.context.empty()) release(target, page.context);
            throw Error{ErrorCode::limit, fmt::format("{} has more than {} objects",
                                                      request.resource_uri, limits::kItemsMax)};
        }
        count += page.items.size();
        hand_over(page, target, take);
        if (page.is_last) return;
        if (page.context.empty()) {
            throw Error{ErrorCode::protocol, "the enumeration neither ends nor can be continued"};
        }
        const std::string context = page.context;
        try {
            page = pull(target, context, stop);
        } catch (const Fault& fault) {
            if (!fault.is_context_lost()) release(target, context);
            throw;
        }
        if (page.context.empty()) page.context = context;
    }
}

// An answer that is too large is asked for in smaller parts. A quota was waited for by the request
// itself, as long as that is worth it.
bool Client::is_worth_a_restart(const Error& error) {
    const auto* fault = dynamic_cast<const Fault*>(&error);
    if (fault != nullptr && fault->is_envelope_too_large()) {
        const bool can_shrink = items_per_pull_ > 1;
        items_per_pull_ = std::max<std::size_t>(1, items_per_pull_ / 4);
        return can_shrink;
    }
    const bool may_be_gone = is_transient(error.code()) && !is_turned_away(error);
    return may_be_gone || (fault != nullptr && fault->is_context_lost());
}

std::vector<XmlElement> Client::enumerate(const std::string& resource_uri, const std::string& wql,
                                          std::stop_token stop) {
    return enumerate(EnumerationRequest{.resource_uri = resource_uri, .wql = wql}, stop);
}

std::vector<XmlElement> Client::enumerate(const EnumerationRequest& request, std::stop_token stop) {
    std::vector<XmlElement> items;
    enumerate(
        request, [&] { items.clear(); },
        [&](XmlElement&& item) { items.push_back(std::move(item)); }, stop);
    return items;
}

template <typename Body>
auto Client::restarted(const EnumerationRequest& request, std::stop_token stop, Body&& body) {
    for (int attempt = 1;; ++attempt) {
        try {
            return body();
        } catch (const Error& error) {
            if (attempt > limits::kEnumerationRestartsMax || !is_worth_a_restart(error)) throw;
            world_.log.debug("enumeration started again",
                             {{"resource", request.resource_uri}, {"reason", error.message()}});
        }
        wait_before(attempt, stop);
    }
}

void Client::enumerate(const EnumerationRequest& request, const std::function<void()>& start_over,
                       const std::function<void(XmlElement&&)>& take, std::stop_token stop) {
    restarted(request, stop, [&] {
        start_over();
        enumerate_once(request, take, stop);
    });
}

std::optional<XmlElement> Client::enumerate_first(const EnumerationRequest& request,
                                                  std::stop_token stop) {
    const EndpointReference target{request.resource_uri, {}};
    return restarted(request, stop, [&]() -> std::optional<XmlElement> {
        Page page = start(target, request, 1, stop);
        // A host may ignore what was optional in the request, and give its items with a Pull only.
        if (page.items.empty() && !page.is_last && !page.context.empty()) {
            page = pull(target, page.context, stop);
        }
        if (!page.is_last && !page.context.empty()) release(target, page.context);
        if (page.items.empty()) return std::nullopt;
        return std::move(page.items.front());
    });
}

}  // namespace entrepot::wsman
