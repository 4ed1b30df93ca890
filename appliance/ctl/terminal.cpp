// Standard streams, terminal modes and signals; the only file of the command line that knows them.
#include "appliance/ctl/terminal.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <iostream>

namespace entrepot::ctl {
namespace {

constexpr int kWidthDefault = 80;
constexpr int kWidthMin = 40;

// A signal handler can reach nothing but static storage.
std::atomic<int> interrupts{0};

void count_interrupt(int) {
    interrupts.fetch_add(1);
}

void set_handler(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

// Echo comes back whatever happens while it is off.
class EchoOff {
public:
    EchoOff() {
        is_changed_ = tcgetattr(STDIN_FILENO, &former_) == 0;
        if (!is_changed_) return;
        termios quiet = former_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    EchoOff(const EchoOff&) = delete;
    EchoOff& operator=(const EchoOff&) = delete;
    ~EchoOff() {
        if (is_changed_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &former_);
    }

private:
    termios former_{};
    bool is_changed_ = false;
};

}  // namespace

SystemTerminal::SystemTerminal() {
    set_handler(count_interrupt);
}

SystemTerminal::~SystemTerminal() {
    set_handler(SIG_DFL);
}

std::ostream& SystemTerminal::out() {
    return std::cout;
}

std::ostream& SystemTerminal::err() {
    return std::cerr;
}

bool SystemTerminal::shows_progress() const {
    return isatty(STDERR_FILENO) == 1;
}

bool SystemTerminal::can_ask() const {
    return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

int SystemTerminal::width() const {
    winsize size{};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kWidthDefault;
    return std::max<int>(size.ws_col, kWidthMin);
}

std::string SystemTerminal::ask(const std::string& question) {
    std::cerr << question << std::flush;
    std::string line;
    std::getline(std::cin, line);
    return line;
}

Secret SystemTerminal::ask_secret(const std::string& question) {
    const EchoOff quiet;
    std::string line = ask(question);
    std::cerr << "\n";
    const Secret secret{line};
    std::fill(line.begin(), line.end(), '\0');
    return secret;
}

int SystemTerminal::interrupt_count() const {
    return interrupts.load();
}

}  // namespace entrepot::ctl
