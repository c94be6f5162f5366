/* SPDX-License-Identifier: ISC */
/* Slices of a bandwidth, used up one after the other. */
#include "config.h"

#include "gateway/meter.h"

#include "gateway/loop.h"

size_t meter_ask(struct meter *m)
{
	if (m == NULL)
		return SIZE_MAX;
	if (m->left == 0 && m->next == 0 && m->reason == REASON_OK)
		m->refill(m);
	if (m->left == 0 && m->reason == REASON_OK && loop_now() >= m->resume_ms) {
		m->left = m->next;
		m->next = 0;
	}
	return m->reason == REASON_OK ? m->left : 0;
}

void meter_spend(struct meter *m, size_t n)
{
	if (m == NULL)
		return;
	m->spent += n;
	m->owed += n > m->left ? n - m->left : 0;
	m->left -= n < m->left ? n : m->left;
}

bool meter_is_open(const struct meter *m)
{
	return m == NULL || m->left > 0 || m->next == 0 || loop_now() >= m->resume_ms;
}
