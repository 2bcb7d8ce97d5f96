/* SPDX-License-Identifier: Apache-2.0 */
/* first_start.h - what a fresh database gets: the catalogue, and credentials to begin with.
 *
 * The credentials are an operator's token, a demo customer with a token, and a token and a callback
 * secret of the partner equinix. They are made here, written to `credentials.new`, put into the
 * database in one transaction, and only then named `credentials`. Whatever is interrupted, the next
 * start carries on with the same ones: none that nobody knows is ever left alive. */
#ifndef ONRAMP_CLI_FIRST_START_H
#define ONRAMP_CLI_FIRST_START_H

#include "cli/storage.h"

/* Do what is missing; a database that has tokens already is left alone. False after complaining. */
bool first_start(const struct state *state, const struct storage *storage);

/* What the first start made, NULL when there is nothing: an object with operatorToken, customerId,
 * customerToken, partner, partnerToken, partnerSecret. The caller gives it back with json_decref.
 */
json_t *credentials_read(const struct state *state);

#endif
