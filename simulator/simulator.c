/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator/simulator.h"

#include "circuits/provider_status.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const size_t nowhere = SIZE_MAX;

struct simulator {
    struct desk desk;
    int rate;
    int64_t paused;  /* until then nothing is sent: the server asked for it */
    int64_t next_us; /* microseconds: when the rate allows one more */
    uint64_t repeated, malformed;
    size_t outstanding;
    /* All orders, in the order in which they came; and by key, in a table with open addresses. */
    struct order **orders, **table;
    size_t count, table_size; /* a power of two, at least twice the count */
    /* Those that are due some time, as a heap: the next one first. */
    struct order **heap;
    size_t due_count;
};

struct simulator *simulator_new(const struct simulator_settings *settings)
{
    struct simulator *simulator = calloc(1, sizeof *simulator);
    if (simulator == NULL)
        abort();
    simulator->desk = (struct desk){
        .plan = settings->plan,
        .key = settings->key,
        .run = settings->run,
        .clock_skew = settings->clock_skew,
        .patience = settings->patience,
        .say = settings->say,
        .context = settings->context,
    };
    simulator->rate = settings->rate;
    return simulator;
}

void simulator_free(struct simulator *simulator)
{
    if (simulator == NULL)
        return;
    for (size_t i = 0; i < simulator->count; i++)
        order_free(simulator->orders[i]);
    free(simulator->orders);
    free(simulator->table);
    free(simulator->heap);
    explicit_bzero(&simulator->desk.key, sizeof simulator->desk.key);
    free(simulator);
}

/* --- by time --- */

static void put(struct simulator *simulator, struct order *order, size_t index)
{
    simulator->heap[index] = order;
    order->index = index;
}

static void sink(struct simulator *simulator, struct order *order, size_t index)
{
    for (;;) {
        size_t child = 2 * index + 1;
        if (child + 1 < simulator->due_count &&
            simulator->heap[child + 1]->due < simulator->heap[child]->due)
            child++;
        if (child >= simulator->due_count || simulator->heap[child]->due >= order->due)
            break;
        put(simulator, simulator->heap[child], index);
        index = child;
    }
    put(simulator, order, index);
}

static void rise(struct simulator *simulator, struct order *order, size_t index)
{
    while (index > 0 && simulator->heap[(index - 1) / 2]->due > order->due) {
        put(simulator, simulator->heap[(index - 1) / 2], index);
        index = (index - 1) / 2;
    }
    put(simulator, order, index);
}

static void leave(struct simulator *simulator, struct order *order)
{
    struct order *last;
    size_t index = order->index;
    if (index == nowhere)
        return;
    order->index = nowhere;
    last = simulator->heap[--simulator->due_count];
    if (last == order)
        return;
    rise(simulator, last, index);
    sink(simulator, last, last->index);
}

/* The order's due time, or what is left of it to do, has changed. */
static void schedule(struct simulator *simulator, struct order *order)
{
    leave(simulator, order);
    if (order->due != INT64_MAX)
        rise(simulator, order, simulator->due_count++);
}

/* --- by key --- */

static size_t key_hash(const char *key)
{
    static const struct plan_settings none;
    return (size_t)plan_draw(&none, key, 0);
}

static struct order **find(const struct simulator *simulator, const char *key)
{
    size_t at = key_hash(key) & (simulator->table_size - 1);
    while (simulator->table[at] != NULL && strcmp(simulator->table[at]->service_key, key) != 0)
        at = (at + 1) & (simulator->table_size - 1);
    return &simulator->table[at];
}

static void *array_grow(void *array, size_t count)
{
    void *grown = reallocarray(array, count, sizeof(struct order *));
    if (grown == NULL)
        abort();
    return grown;
}

/* Room for one more. */
static void grow(struct simulator *simulator)
{
    if (2 * (simulator->count + 1) <= simulator->table_size)
        return;
    simulator->table_size = simulator->table_size == 0 ? 64 : 2 * simulator->table_size;
    simulator->orders = array_grow(simulator->orders, simulator->table_size / 2);
    simulator->heap = array_grow(simulator->heap, simulator->table_size / 2);
    free(simulator->table);
    simulator->table = calloc(simulator->table_size, sizeof(struct order *));
    if (simulator->table == NULL)
        abort();
    for (size_t i = 0; i < simulator->count; i++)
        *find(simulator, simulator->orders[i]->service_key) = simulator->orders[i];
}

/* The text of a UUID in lower case. */
static bool key_read(char out[SERVICE_KEY_TEXT], const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    for (size_t i = 0; i < SERVICE_KEY_TEXT; i++) {
        unsigned char c = (unsigned char)text[i];
        if (form[i] == 'x' ? !isxdigit(c) : c != (unsigned char)form[i])
            return false;
        out[i] = (char)tolower(c);
    }
    return true;
}

static void add(struct simulator *simulator, const char *key, bool adopted, int64_t now)
{
    struct order *order;
    grow(simulator);
    order = order_new(&simulator->desk, key, now);
    order->adopted = adopted;
    order->index = nowhere;
    *find(simulator, key) = order;
    simulator->orders[simulator->count++] = order;
    simulator->outstanding++;
    schedule(simulator, order);
}

static void look(struct simulator *simulator, struct order *order, int64_t now)
{
    bool before = order_outstanding(order);
    order_look(order, now);
    simulator->outstanding += (size_t)order_outstanding(order) - (size_t)before;
    schedule(simulator, order);
}

enum key_taken simulator_hand_in(struct simulator *simulator, const char *text, int64_t now)
{
    char key[SERVICE_KEY_TEXT];
    struct order *order;
    if (!key_read(key, text)) {
        simulator->malformed++;
        return KEY_MALFORMED;
    }
    grow(simulator);
    order = *find(simulator, key);
    if (order == NULL) {
        add(simulator, key, false, now);
        return KEY_TAKEN;
    }
    if (!order->adopted) {
        simulator->repeated++;
        return KEY_REPEATED;
    }
    /* Its story was heard first; from now on it is an order. */
    order->adopted = order->torn_down = false;
    order->goal = GOAL_NONE;
    look(simulator, order, now);
    return KEY_TAKEN;
}

void simulator_heard(struct simulator *simulator, const char *text, int64_t now)
{
    char key[SERVICE_KEY_TEXT];
    struct order *order;
    if (!key_read(key, text))
        return;
    grow(simulator);
    order = *find(simulator, key);
    if (order == NULL)
        add(simulator, key, true, now);
    else
        look(simulator, order, now);
}

/* --- requests and answers --- */

struct order *simulator_send(struct simulator *simulator, int64_t now, struct order_request *out)
{
    struct order *order = simulator->due_count > 0 ? simulator->heap[0] : NULL;
    if (order == NULL || simulator_due(simulator) > now)
        return NULL;
    if (simulator->rate > 0) {
        int64_t from = simulator->next_us > now * 1000 ? simulator->next_us : now * 1000;
        simulator->next_us = from + 1000000 / simulator->rate;
    }
    order_send(order, &simulator->desk, now, out);
    schedule(simulator, order);
    return order;
}

void simulator_answered(struct simulator *simulator, struct order *order, int64_t now,
                        const struct order_answer *answer)
{
    bool before = order_outstanding(order);
    /* Who is asked to wait does not come with the next order instead. */
    if ((answer->status == 429 || answer->status == 503) &&
        simulator->paused < now + answer->retry_after)
        simulator->paused = now + answer->retry_after;
    order_answered(order, &simulator->desk, now, answer);
    simulator->outstanding += (size_t)order_outstanding(order) - (size_t)before;
    schedule(simulator, order);
}

int64_t simulator_due(const struct simulator *simulator)
{
    int64_t due = simulator->due_count > 0 ? simulator->heap[0]->due : INT64_MAX;
    if (due == INT64_MAX)
        return due;
    if (due < simulator->paused)
        due = simulator->paused;
    return due < simulator->next_us / 1000 ? simulator->next_us / 1000 : due;
}

bool simulator_idle(const struct simulator *simulator)
{
    return simulator->outstanding == 0;
}

/* --- what it came to --- */

void simulator_tally(const struct simulator *simulator, struct simulator_tally *out)
{
    *out = (struct simulator_tally){
        .repeated = simulator->repeated,
        .malformed = simulator->malformed,
        .outstanding = simulator->outstanding,
        .counts = simulator->desk.counts,
    };
    uint64_t *const states[] = {
        [NOT_PROVISIONED] = &out->not_provisioned,
        [PROVISIONING] = &out->provisioning,
        [PROVISIONED] = &out->provisioned,
        [DEPROVISIONING] = &out->deprovisioning,
    };
    for (size_t i = 0; i < simulator->count; i++) {
        const struct order *order = simulator->orders[i];
        /* Of what was heard of, only what there was something to do about. */
        if (order->adopted && order->goal == GOAL_PROVISION && !order->torn_down)
            continue;
        bool mute = order->plan.fate == FATE_SILENT || order->plan.fate == FATE_PROMISED;
        out->handed_in += !order->adopted;
        out->adopted += order->adopted;
        out->unknown += order->phase == ORDER_UNKNOWN;
        out->failed += order->phase == ORDER_FAILED;
        out->torn_down += order->torn_down;
        out->stalled += order->stalled;
        out->off_plan += !order_outstanding(order) && !order_as_planned(order);
        if (order->status >= 0)
            ++*states[order->status];
        else
            out->waiting += order->phase == ORDER_LOOKING;
        if (order->phase == ORDER_RESTING && !order->adopted) {
            out->silent += mute;
            out->rejected += order->plan.fate == FATE_REJECTED && !order->torn_down &&
                             order->status == NOT_PROVISIONED;
        }
    }
}

bool simulator_as_planned(const struct simulator_tally *tally)
{
    return tally->outstanding == 0 && tally->off_plan == 0 && tally->malformed == 0;
}

size_t simulator_count(const struct simulator *simulator)
{
    return simulator->count;
}

const struct order *simulator_order(const struct simulator *simulator, size_t index)
{
    return simulator->orders[index];
}
