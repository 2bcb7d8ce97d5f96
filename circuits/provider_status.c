/* SPDX-License-Identifier: Apache-2.0 */
#include "circuits/provider_status.h"

const char *const provider_status_names[] = {
    [NOT_PROVISIONED] = "NotProvisioned", [PROVISIONING] = "Provisioning",
    [PROVISIONED] = "Provisioned",        [DEPROVISIONING] = "Deprovisioning",
    [DEPROVISIONING + 1] = NULL,
};

const struct kind kind_provider_status = KIND_WORD(provider_status_names);
