// Instances and references as Windows writes them into SOAP bodies (wsman.md sections 5, 6, 8).
#pragma once

#include "tests/hostsim/cim/schema.h"
#include "tests/hostsim/cim/value.h"

#include <pugixml.hpp>

#include <optional>
#include <string>
#include <vector>

namespace entrepot::hostsim {

std::string resource_uri(std::string_view name_space, std::string_view class_name);

/// <p:Class ... xsi:type="p:Class_Type"> with every property of the class in wire order.
std::string instance_xml(const Instance& instance, const Class& declared);

/// What a SELECT with a property list gives: <w:XmlFragment> with unqualified elements.
std::string fragment_xml(const Instance& instance, const Class& declared,
                         const std::vector<std::string>& properties);

/// <a:Address> and <a:ReferenceParameters>, without a wrapper.
std::string reference_content_xml(const ObjectRef& ref);

/// <a:EndpointReference> for enumerations in EPR mode.
std::string endpoint_reference_xml(const ObjectRef& ref);

/// One element of a method's answer.
std::string parameter_xml(const std::string& name, const Value& value);

/// Reads an endpoint reference, with or without the wrapper; nullopt if it is none.
std::optional<ObjectRef> parse_reference(const pugi::xml_node& parameter);

/// The reference that names an instance.
ObjectRef reference_of(const Instance& instance, const Class& declared);

}  // namespace entrepot::hostsim
