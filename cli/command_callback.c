/* SPDX-License-Identifier: Apache-2.0 */
/* callback: what a partner's order system does, from a terminal. The signature goes to curl by a
 * descriptor, never on a command line that others on the machine can read. */
#include "cli/command.h"
#include "cli/server_url.h"
#include "crypto/signature.h"
#include "partners/slug.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct callback_options {
    const char *partner, *secret, *type, *service_key, *note, *reason, *expected_by;
    const char *primary_port, *secondary_port, *s_tag, *partner_reference;
    const char *timestamp, *webhook_id, *url;
    bool print_curl;
};

#define AT(member) offsetof(struct callback_options, member)
static const struct option_row callback_options[] = {
    {"partner", OPTION_TEXT, AT(partner)},
    {"secret", OPTION_TEXT, AT(secret)},
    {"type", OPTION_TEXT, AT(type)},
    {"service-key", OPTION_TEXT, AT(service_key)},
    {"note", OPTION_TEXT, AT(note)},
    {"reason", OPTION_TEXT, AT(reason)},
    {"expected-by", OPTION_TEXT, AT(expected_by)},
    {"primary-port", OPTION_TEXT, AT(primary_port)},
    {"secondary-port", OPTION_TEXT, AT(secondary_port)},
    {"s-tag", OPTION_TEXT, AT(s_tag)},
    {"partner-reference", OPTION_TEXT, AT(partner_reference)},
    {"timestamp", OPTION_TEXT, AT(timestamp)},
    {"webhook-id", OPTION_TEXT, AT(webhook_id)},
    {"url", OPTION_TEXT, AT(url)},
    {"print-curl", OPTION_FLAG, AT(print_curl)},
    {0},
};
#undef AT

struct post {
    char url[1024];
    char id[300];
    char timestamp[24];
    char signature[SIGNATURE_TEXT];
    char *body;
};

/* --- what is said --- */

static void set(json_t *data, const char *name, const char *value, bool number)
{
    char *end = NULL;
    long long as_number = value != NULL && number ? strtoll(value, &end, 10) : 0;
    if (value == NULL)
        return;
    if (strcmp(value, "null") == 0)
        json_object_set_new(data, name, json_null());
    else if (number && end != value && *end == '\0')
        json_object_set_new(data, name, json_integer(as_number));
    else if (json_object_set_new(data, name, json_string(value)) != 0)
        complain("the value for %s is not UTF-8 and is left out", name);
}

static char *body_make(const struct callback_options *options)
{
    char now[32];
    struct timespec time;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &time);
    gmtime_r(&time.tv_sec, &utc);
    size_t length = strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(now + length, sizeof now - length, ".%03dZ", (int)(time.tv_nsec / 1000000));

    json_t *body = json_object(), *data = json_object();
    set(body, "type", options->type, false);
    set(body, "timestamp", options->timestamp != NULL ? options->timestamp : now, false);
    set(data, "serviceKey", options->service_key, false);
    set(data, "reason", options->reason, false);
    set(data, "note", options->note, false);
    set(data, "expectedBy", options->expected_by, false);
    set(data, "primaryPort", options->primary_port, false);
    set(data, "secondaryPort", options->secondary_port, false);
    set(data, "sTag", options->s_tag, true);
    set(data, "partnerReference", options->partner_reference, false);
    json_object_set_new(body, "data", data);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

static bool id_make(char *out, size_t size)
{
    unsigned char octets[16];
    if (RAND_bytes(octets, sizeof octets) != 1)
        return false;
    int length = snprintf(out, size, "msg_");
    for (size_t i = 0; i < sizeof octets; i++)
        length += snprintf(out + length, size - (size_t)length, "%02x", octets[i]);
    return true;
}

/* --- curl --- */

/* A quoted word of curl's configuration. */
static void config_word(FILE *out, const char *name, const char *prefix, const char *value)
{
    fprintf(out, "%s = \"%s", name, prefix);
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            fputc('\\', out);
        fputc(*value, out);
    }
    fputs("\"\n", out);
}

static int config_make(const struct post *post)
{
    int file = memfd_create("curl", 0);
    FILE *out = file >= 0 ? fdopen(dup(file), "w") : NULL;
    if (out == NULL)
        return -1;
    fputs("silent\nshow-error\nmax-time = 60\nnoproxy = \"localhost,127.0.0.1,::1\"\n"
          "write-out = \"\\n%{http_code}\"\n",
          out);
    config_word(out, "url", "", post->url);
    config_word(out, "header", "", "content-type: application/json");
    config_word(out, "header", "webhook-id: ", post->id);
    config_word(out, "header", "webhook-timestamp: ", post->timestamp);
    config_word(out, "header", "webhook-signature: ", post->signature);
    config_word(out, "data-binary", "", post->body);
    if (fclose(out) != 0 || lseek(file, 0, SEEK_SET) != 0)
        return -1;
    return file;
}

/* Everything that curl wrote; its last line is the status. */
static int answer_print(FILE *answer)
{
    char *text = NULL;
    size_t size = 0;
    ssize_t length = getdelim(&text, &size, '\0', answer);
    char *last = length > 0 ? strrchr(text, '\n') : NULL;
    int status = EXIT_FAILURE;
    if (last != NULL) {
        *last = '\0';
        if (text[0] != '\0')
            puts(text);
        if (last[1] == '2')
            status = EXIT_SUCCESS;
        else if (strcmp(last + 1, "000") != 0)
            complain("the server answered %s", last + 1);
    }
    free(text);
    return status;
}

static int post_send(const struct post *post)
{
    int ends[2], curl_status = 0;
    int config = config_make(post);
    if (config < 0 || pipe(ends) != 0) {
        complain("cannot start curl: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    pid_t child = fork();
    if (child == 0) {
        dup2(config, STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        close_range(3, ~0U, 0);
        execlp("curl", "curl", "-q", "--config", "-", (char *)NULL);
        complain("curl is not installed");
        _exit(EXIT_NOT_THERE);
    }
    close(ends[1]);
    close(config);
    FILE *answer = fdopen(ends[0], "r");
    int status = answer != NULL && child > 0 ? answer_print(answer) : EXIT_FAILURE;
    if (answer != NULL)
        fclose(answer);
    if (child > 0 && waitpid(child, &curl_status, 0) == child && WIFEXITED(curl_status) &&
        WEXITSTATUS(curl_status) == EXIT_NOT_THERE)
        return EXIT_NOT_THERE;
    return curl_status == 0 ? status : EXIT_FAILURE;
}

static void shell_word(const char *before, const char *prefix, const char *value, const char *after)
{
    printf("%s'%s", before, prefix);
    for (; *value != '\0'; value++)
        if (*value == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*value);
    printf("'%s\n", after);
}

static void post_print(const struct post *post)
{
    shell_word("curl -sS ", "", post->url, " \\");
    shell_word("  -H ", "", "content-type: application/json", " \\");
    shell_word("  -H ", "webhook-id: ", post->id, " \\");
    shell_word("  -H ", "webhook-timestamp: ", post->timestamp, " \\");
    shell_word("  -H ", "webhook-signature: ", post->signature, " \\");
    shell_word("  --data-binary ", "", post->body, "");
}

static int run(const struct settings *settings, const void *given)
{
    const struct callback_options *options = given;
    struct post post = {0};
    struct signature_key key;
    char base[900];
    const char *partner = option_or_variable(options->partner, "ONRAMP_PARTNER");
    const char *secret = option_or_variable(options->secret, "ONRAMP_PARTNER_SECRET");
    if (partner == NULL || secret == NULL || options->type == NULL ||
        options->service_key == NULL) {
        complain("a callback needs --partner, --secret, --type and --service-key; %s is missing",
                 partner == NULL         ? "--partner"
                 : secret == NULL        ? "--secret"
                 : options->type == NULL ? "--type"
                                         : "--service-key");
        return EXIT_USAGE;
    }
    if (!signature_key_read(&key, secret)) {
        complain("--secret is not a secret: whsec_ and the base64 of 24 to 64 octets");
        return EXIT_USAGE;
    }
    if (!slug_valid(partner)) {
        complain("--partner is a slug: lower case letters, digits and hyphens");
        return EXIT_USAGE;
    }
    if (options->webhook_id != NULL && !signature_id_valid(options->webhook_id)) {
        complain("--webhook-id is 1 to 256 visible ASCII characters without a full stop");
        return EXIT_USAGE;
    }
    if (!server_url_find(base, sizeof base, options->url, settings))
        return EXIT_STOPPED;
    snprintf(post.url, sizeof post.url, "%s/v1/partners/%s/callbacks", base, partner);
    snprintf(post.timestamp, sizeof post.timestamp, "%lld", (long long)time(NULL));
    if (options->webhook_id != NULL)
        snprintf(post.id, sizeof post.id, "%s", options->webhook_id);
    else if (!id_make(post.id, sizeof post.id))
        return EXIT_FAILURE;
    post.body = body_make(options);
    if (post.body == NULL)
        return EXIT_FAILURE;
    signature_make(post.signature, &key, post.id, post.timestamp, post.body, strlen(post.body));
    explicit_bzero(&key, sizeof key);
    int status = EXIT_SUCCESS;
    if (options->print_curl)
        post_print(&post);
    else
        status = post_send(&post);
    free(post.body);
    return status;
}

const struct verb verb_callback = {
    .name = "callback",
    .scope = SCOPE_STATE,
    .options = callback_options,
    .size = sizeof(struct callback_options),
    .run = run,
};
