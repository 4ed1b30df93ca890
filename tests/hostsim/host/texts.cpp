// One row per text.
#include "tests/hostsim/host/texts.h"

#include "base/check.h"

namespace entrepot::hostsim {
namespace {

struct TextRow {
    Text text;
    const char* english;
    const char* german;
    const char* japanese;
};

constexpr TextRow kRows[] = {
    {Text::architecture, "64-bit", "64-Bit", "64 ビット"},
    {Text::host_system, "Hosting Computer System", "Hostcomputersystem",
     "ホスト コンピューター システム"},
    {Text::host_system_description, "Microsoft Hosting Computer System",
     "Microsoft-Hostcomputersystem", "Microsoft ホスト コンピューター システム"},
    {Text::job_caption, "Virtual machine job", "Auftrag für virtuelle Computer",
     "仮想マシンのジョブ"},
    {Text::job_completed, "Job is completed", "Der Auftrag wurde abgeschlossen.",
     "ジョブは完了しました"},
    {Text::job_running, "Job is running", "Der Auftrag wird ausgeführt.", "ジョブは実行中です"},
    {Text::operating_normally, "Operating normally", "Normaler Betrieb", "正常稼働中"},
    {Text::operation_failed, "The operation failed.", "Fehler beim Ausführen des Vorgangs.",
     "操作に失敗しました。"},
    {Text::virtual_machine, "Virtual Machine", "Virtueller Computer", "仮想マシン"},
    {Text::virtual_machine_settings, "Virtual Machine Settings",
     "Einstellungen für virtuelle Computer", "仮想マシンの設定"},
    {Text::virtual_switch, "Virtual Switch", "Virtueller Switch", "仮想スイッチ"},
};

}  // namespace

const char* text_of(Text text, Language language) {
    for (const TextRow& row : kRows) {
        if (row.text != text) continue;
        switch (language) {
            case Language::english:
                return row.english;
            case Language::german:
                return row.german;
            case Language::japanese:
                return row.japanese;
        }
    }
    check_failed("a row for every text", __FILE__, __LINE__);
}

}  // namespace entrepot::hostsim
