// SPDX-License-Identifier: MPL-2.0

package access

import (
	"testing"
	"time"
)

// A plan, a rule and a report go by the status: a second on the wrong side of an end is access that reads as live.
func TestAnObjectStandsAsItsRecordSays(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	issued := func(rotates time.Time) *Issued { return &Issued{RotatesAt: rotates} }
	secret := &Credential{Secret: &SecretRequest{}}
	for name, c := range map[string]struct {
		record Record
		warn   time.Duration
		want   string
	}{
		"a second before its end it is live": {record: Record{EndsAt: now.Add(time.Second)},
			want: StatusActive},
		"at its end it is over": {record: Record{EndsAt: now, Held: true, Suspended: true},
			want: StatusExpired},
		"what was cut by hand is held, suspended or not": {record: Record{
			EndsAt:    now.Add(day),
			Held:      true,
			Suspended: true,
		}, want: StatusHeld},
		"what is suspended does not expire soon": {
			record: Record{EndsAt: now.Add(day), Suspended: true},
			warn:   2 * day,
			want:   StatusSuspended,
		},

		"a secret is due when its rotation comes": {record: Record{
			Object: secret,
			EndsAt: now.Add(day),
			Issued: issued(now),
		}, want: StatusDue},
		"a second before that it is not": {record: Record{
			Object: secret,
			EndsAt: now.Add(day),
			Issued: issued(now.Add(time.Second)),
		}, want: StatusActive},
		"one that does not rotate never is": {record: Record{
			Object: secret,
			EndsAt: now.Add(day),
			Issued: issued(time.Time{}),
		}, want: StatusActive},
		"one of which nothing is in force is": {record: Record{Object: secret, EndsAt: now.Add(day)},
			want: StatusDue},
		"trust never is: nothing is issued for it": {
			record: Record{Object: &Credential{Federated: &FederatedTrust{}}, EndsAt: now.Add(day)}, want: StatusActive,
		},

		"it expires from warn_before on": {
			record: Record{History: History{CreatedAt: now.Add(-90 * day)}, EndsAt: now.Add(14 * day)},
			warn:   14 * day,
			want:   StatusExpiring,
		},
		"and not before": {
			record: Record{History: History{CreatedAt: now.Add(-90 * day)}, EndsAt: now.Add(14*day + time.Second)},
			warn:   14 * day, want: StatusActive,
		},
		"what lives shortly expires in its last quarter": {
			record: Record{History: History{CreatedAt: now.Add(-3 * day)}, EndsAt: now.Add(day)}, warn: 14 * day,
			want: StatusExpiring,
		},
		"and not before that": {
			record: Record{History: History{CreatedAt: now.Add(-3*day + time.Second)},
				EndsAt: now.Add(day + time.Second)}, warn: 14 * day, want: StatusActive,
		},
		"the quarter counts from the last renewal": {
			record: Record{History: History{CreatedAt: now.Add(-90 * day), RenewedAt: now}, EndsAt: now.Add(4 * day)},
			warn:   14 * day, want: StatusActive,
		},
	} {
		if c.record.Object == nil {
			c.record.Object = &Identity{}
		}
		if got := c.record.Status(now, c.warn); got != c.want {
			t.Errorf("%s: it is %s, want %s", name, got, c.want)
		}
	}
}

// Nobody may be cut because somebody gave a credential a rotation.
func TestWhatAgesIsGivenADaysNotice(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	rotation := func(every, overlap time.Duration) *Credential {
		return &Credential{Rotation: &Rotation{Every: Span{Duration: every}, Overlap: Span{Duration: overlap}}}
	}
	const hour, day = time.Hour, 24 * time.Hour
	for name, c := range map[string]struct {
		credential *Credential
		issued     time.Time
		want       time.Time
	}{
		"a young one as if it had rotated from the beginning": {rotation(30*day, 2*day), now.Add(-day),
			now.Add(31 * day)},
		"one that is overdue works for the overlap": {rotation(30*day, 2*day), now.Add(-90 * day),
			now.Add(2 * day)},
		"and for a day where the overlap is shorter": {rotation(30*day, hour), now.Add(-90 * day),
			now.Add(day)},
		"without a rotation nothing is said": {&Credential{}, now.Add(-90 * day), time.Time{}},
	} {
		if got := c.credential.AgesUntil(c.issued, now); !got.Equal(c.want) {
			t.Errorf("%s: until %s, want %s", name, got, c.want)
		}
	}
}
