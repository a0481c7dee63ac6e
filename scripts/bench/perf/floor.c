/* What the machine itself takes: packets there and back, in C. Loaded by rows/c_floor.py.
 * Descriptors are the caller's. Functions answer 0, or -errno. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

enum { BUFFER = 1 << 16, LOOKS = 64 };
static const int64_t SPIN_NS = 20 * 1000 * 1000; /* after so long without news, sleep */

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Receive a packet; with spin, look again and again before sleeping. */
static ssize_t take(int fd, char *buffer, int spin)
{
    if (spin) {
        int64_t until = 0;
        for (;;) {
            for (int i = 0; i < LOOKS; i++) {
                ssize_t got = recv(fd, buffer, BUFFER, MSG_DONTWAIT);
                if (got >= 0 || (errno != EAGAIN && errno != EINTR))
                    return got;
            }
            if (!until)
                until = now() + SPIN_NS;
            else if (now() > until)
                break;
        }
    }
    ssize_t got;
    do
        got = recv(fd, buffer, BUFFER, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Send back what comes, until the peer has gone. */
int floor_echo(int fd, int spin)
{
    char buffer[BUFFER];
    ssize_t got;
    while ((got = take(fd, buffer, spin)) > 0)
        if (send(fd, buffer, got, MSG_NOSIGNAL) < 0)
            return -errno;
    return got < 0 ? -errno : 0;
}

/* Send and wait for the echo, count times; each takes ns[i]. */
int floor_each(int fd, int spin, long size, long count, int64_t *ns)
{
    char buffer[BUFFER] = {0};
    for (long i = 0; i < count; i++) {
        int64_t begun = now();
        if (send(fd, buffer, size, MSG_NOSIGNAL) < 0)
            return -errno;
        if (take(fd, buffer, spin) <= 0)
            return -EPIPE;
        ns[i] = now() - begun;
    }
    return 0;
}

/* Have width packets under way, count in all; they take ns[0]. */
int floor_flight(int fd, int spin, long size, long count, long width, int64_t *ns)
{
    char buffer[BUFFER] = {0};
    int64_t begun = now();
    long sent = 0;
    for (long taken = 0; taken < count; taken++) {
        for (; sent < count && sent - taken < width; sent++)
            if (send(fd, buffer, size, MSG_NOSIGNAL) < 0)
                return -errno;
        if (take(fd, buffer, spin) <= 0)
            return -EPIPE;
    }
    ns[0] = now() - begun;
    return 0;
}
