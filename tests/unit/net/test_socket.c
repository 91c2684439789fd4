#define _GNU_SOURCE /* sockets */
#include "check.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "net/socket.h"

static void resolve(struct msim_addresses *addresses, const char *host)
{
    struct msim_detail detail = {""};

    assert_int_equal(msim_resolve(addresses, host, 81, MSIM_RESOLVE_CONNECT, &detail), MSIM_OK);
}

static void addresses_are_read_and_printed_without_asking_anybody(void **state)
{
    static const struct {
        const char *host;
        const char *printed;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1:81"},
        {"0.0.0.0", "0.0.0.0:81"},
        {"::1", "[::1]:81"},
        {"FE80::0:1", "[fe80::1]:81"},
        {"::ffff:1.2.3.4", "[::ffff:1.2.3.4]:81"},
    };
    struct msim_addresses addresses;
    char text[MSIM_ADDRESS_TEXT];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        resolve(&addresses, cases[i].host);
        assert_int_equal(addresses.count, 1);
        msim_address_print(text, &addresses.items[0]);
        assert_string_equal(text, cases[i].printed);
        msim_address_set_port(&addresses.items[0], 65535);
        assert_int_equal(msim_address_port(&addresses.items[0]), 65535);
    }
}

static void localhost_is_both_loopback_addresses(void **state)
{
    struct msim_addresses addresses;
    char text[MSIM_ADDRESS_TEXT];

    (void)state;
    resolve(&addresses, "LocalHost");
    assert_int_equal(addresses.count, 2);
    msim_address_print(text, &addresses.items[0]);
    assert_string_equal(text, "127.0.0.1:81");
    msim_address_print(text, &addresses.items[1]);
    assert_string_equal(text, "[::1]:81");
}

/* Without a listener, a socket that connects to its own port meets itself. */
static void a_link_to_oneself_is_found_out(void **state)
{
    struct msim_addresses addresses;
    struct msim_address *address = &addresses.items[0];

    (void)state;
    resolve(&addresses, "127.0.0.1");
    msim_address_set_port(address, 0);
    int listener = msim_socket_listen(address, 4096);
    assert_true(listener >= 0);

    int fd = msim_socket_connect(address, 4096);
    struct pollfd waiting = {.fd = fd, .events = POLLOUT};
    assert_int_equal(poll(&waiting, 1, 5000), 1);
    assert_int_equal(msim_socket_error(fd), 0);
    assert_false(msim_socket_is_own_peer(fd));
    close(fd);
    close(listener);

    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    msim_address_set_port(address, 0);
    const struct sockaddr *name = (const struct sockaddr *)&address->storage;
    assert_int_equal(bind(fd, name, address->length), 0);
    socklen_t length = sizeof address->storage;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address->storage, &length), 0);
    assert_int_equal(connect(fd, name, address->length), 0);
    assert_true(msim_socket_is_own_peer(fd));
    close(fd);
}

static void an_errors_words_are_the_systems(void **state)
{
    char words[MSIM_ERROR_TEXT];

    (void)state;
    assert_string_equal(msim_error_text(words, ECONNREFUSED), strerror(ECONNREFUSED));
    assert_true(strlen(msim_error_text(words, 99999)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_printed_without_asking_anybody),
        cmocka_unit_test(localhost_is_both_loopback_addresses),
        cmocka_unit_test(a_link_to_oneself_is_found_out),
        cmocka_unit_test(an_errors_words_are_the_systems),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
