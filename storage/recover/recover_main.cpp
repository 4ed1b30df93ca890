// entrepot-recover with the real world behind it.
#include "storage/recover/run.h"

#include <unistd.h>
#include <csignal>
#include <iostream>
#include <thread>

int main(int argument_count, char** argument_values) {
    // Ctrl-C is awaited by a thread, so that the work can end and take its half-written file away.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::stop_source stop;
    std::thread{[signals, stop]() mutable {
        int signal = 0;
        sigwait(&signals, &signal);
        stop.request_stop();
    }}.detach();

    entrepot::PosixFileSystem file_system;
    entrepot::SystemRandom random;
    entrepot::SystemClock clock;
    return entrepot::recover::run({argument_values + 1, argument_values + argument_count},
                                  {file_system, random, clock, std::cout, std::cerr,
                                   isatty(STDERR_FILENO) == 1, stop.get_token()});
}
