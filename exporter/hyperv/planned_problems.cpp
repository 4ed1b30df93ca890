// Numbers and object are taken apart from the words, which are localized.
#include "exporter/hyperv/planned_problems.h"

#include "base/error.h"
#include "exporter/cim/embedded_instance.h"
#include "exporter/cim/object_path.h"
#include "exporter/hyperv/hresult.h"

#include <algorithm>

namespace entrepot::hyperv {
namespace {

constexpr std::size_t kProblemsMax = 64;
constexpr std::size_t kTextBytesMax = 1024;

std::string shortened(std::string text) {
    if (text.size() > kTextBytesMax) text.resize(kTextBytesMax);
    return text;
}

PlannedProblem decode(const std::string& text) {
    PlannedProblem problem;
    const cim::Instance error = cim::decode_embedded_instance(text);
    problem.message_id = shortened(error.text("MessageID"));
    problem.text = shortened(error.text("Message"));
    problem.hresult = hresult_of_text(problem.text);
    if (problem.hresult == 0) problem.hresult = hresult_of_text(problem.message_id);
    if (problem.hresult == 0)
        problem.hresult = hresult_of_text(error.text("ProbableCauseDescription"));
    const auto source = cim::parse_object_path(error.text("ErrorSource"));
    if (source) {
        problem.source_class = source->class_name;
        problem.source_id = source->key("InstanceID").value_or("");
    }
    return problem;
}

}  // namespace

std::vector<PlannedProblem> decode_problems(const std::vector<std::string>& errors) {
    std::vector<PlannedProblem> problems;
    for (const std::string& text : errors) {
        if (problems.size() == kProblemsMax) break;
        try {
            problems.push_back(decode(text));
        } catch (const Error& error) {
            if (error.code() != ErrorCode::protocol && error.code() != ErrorCode::limit) throw;
            PlannedProblem unreadable;
            unreadable.hresult = hresult_of_text(text);
            unreadable.text = shortened(text);
            problems.push_back(std::move(unreadable));
        }
    }
    return problems;
}

}  // namespace entrepot::hyperv
