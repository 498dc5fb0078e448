package rest

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

func TestProvisioningTwice(t *testing.T) {
	for name, second := range map[string]request{
		"Idempotency-Key": {body: `{"email":"other@example.com"}`, header: map[string]string{"Idempotency-Key": "order-4711"}},
		"externalId":      {body: `{"email":"other@example.com","externalId":"mary"}`},
		"both":            {body: `{"email":"other@example.com","externalId":"mary"}`, header: map[string]string{"Idempotency-Key": "order-4711"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			first := h.want(http.StatusCreated, request{
				method: "POST", path: "/api/admin/provision", key: testAdminKey,
				body: `{"email":"mary@example.com","externalId":"mary"}`, header: map[string]string{"Idempotency-Key": "order-4711"},
			})
			second.method, second.path, second.key = "POST", "/api/admin/provision", testAdminKey
			again := h.want(http.StatusOK, second)
			made, found := read[ProvisionedCustomer](t, first), read[ProvisionedCustomer](t, again)
			if found.Customer != made.Customer || strings.Contains(again.body, "apiKey") {
				t.Errorf("%s\n%s", first.body, again.body)
			}
			h.want(http.StatusOK, request{method: "GET", path: "/api/customer/" + made.Customer.ID, key: made.APIKey})
		})
	}
}

func TestProvisioningAtTheSameTime(t *testing.T) {
	h := newHost(t)
	var answers [8]response
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			answers[i] = h.do(request{
				method: "POST", path: "/api/admin/provision", key: testAdminKey,
				body: `{"email":"mary@example.com"}`, header: map[string]string{"Idempotency-Key": "order-4711"},
			})
		})
	}
	all.Wait()
	made, ids := 0, map[string]bool{}
	for _, a := range answers {
		ids[read[ProvisionedCustomer](t, a).Customer.ID] = true
		switch {
		case a.status == http.StatusCreated:
			made++
		case a.status != http.StatusOK:
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if made != 1 || len(ids) != 1 {
		t.Errorf("%d answers say that a customer was made, and there are %d", made, len(ids))
	}
}

func TestSuspension(t *testing.T) {
	h := newHost(t)
	key := h.key(h.ada)
	suspend := request{method: "POST", path: "/api/admin/customers/{ada}/suspend", key: testAdminKey}
	resume := request{method: "POST", path: "/api/admin/customers/{ada}/resume", key: testAdminKey, body: "{}"}

	first := h.want(http.StatusOK, suspend)
	if c := read[Customer](t, first); c.Status != CustomerStatusInactive {
		t.Errorf("%+v", c)
	}
	if again := h.want(http.StatusOK, suspend); again.body != first.body {
		t.Errorf("suspending twice: %s", again.body)
	}
	for _, rt := range new(face).routes() {
		q := request{method: rt.method, path: fill(rt.path, "{ada}"), key: key}
		switch rt.credential {
		case apiKey:
			h.want(http.StatusUnauthorized, q)
		case billingKey: // who may not come in may still pay
			h.want(http.StatusNotImplemented, q)
		}
	}
	h.want(http.StatusOK, request{method: "GET", path: "/api/customer/{grace}", key: h.key(h.grace)})

	if c := read[Customer](t, h.want(http.StatusOK, resume)); c.Status != CustomerStatusActive {
		t.Errorf("%+v", c)
	}
	got := h.want(http.StatusOK, request{method: "GET", path: "/api/events/{ada}?type=customer.*", key: key})
	var types []string
	for _, e := range read[EventList](t, got).Events {
		types = append(types, e.Type)
	}
	if got := strings.Join(types, ", "); got != "customer.resumed, customer.suspended, customer.provisioned" {
		t.Error(got)
	}
}

func TestKeyForACustomerWhoLostTheirs(t *testing.T) {
	h := newHost(t)
	made := read[IssuedKey](t, h.want(http.StatusCreated, request{method: "POST", path: "/api/admin/customers/{ada}/keys", key: testAdminKey, body: `{"name":"new"}`}))
	h.want(http.StatusOK, request{method: "GET", path: "/api/customer/{ada}", key: made.APIKey})
	h.want(http.StatusOK, request{method: "GET", path: "/api/customer/{ada}", key: h.key(h.ada)})
	h.want(http.StatusNotFound, request{method: "GET", path: "/api/customer/{grace}", key: made.APIKey})
}

// Without an admin key nobody can be refused for a wrong one.
func TestNoAdmin(t *testing.T) {
	h := newHost(t, withoutAdmin)
	for _, rt := range new(face).routes() {
		if rt.credential != adminKey {
			continue
		}
		for _, key := range []string{"", testAdminKey, h.key(h.ada)} {
			got := h.want(http.StatusNotImplemented, request{method: rt.method, path: fill(rt.path, "{ada}"), key: key})
			if !strings.Contains(got.body, "no admin key") {
				t.Error(got.body)
			}
		}
	}
	h.want(http.StatusMethodNotAllowed, request{method: "GET", path: "/api/admin/provision"})
}
