package billing_test

import (
	"net/http"
	"sync"
	"testing"
)

// rounds is how often a race is run.
const rounds = 50

// Of many who read a session at once, one gets the key. This browser began the
// checkout, so it may get another in place of the first, and one of them works.
func TestOneKeyForManyReaders(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		s := newShop(t, open(t))
		for range rounds {
			session, _ := s.checkout("")
			if err := s.fake.Pay(session); err != nil {
				t.Fatal(err)
			}
			// Nothing is delivered yet: the readers themselves find that it is paid.
			var mu sync.Mutex
			keys := map[string]bool{}
			readers(t, 10, func(i int) error {
				method, path := http.MethodGet, "/api/session/"+session
				switch i % 5 {
				case 3:
					method = http.MethodHead
				case 4:
					path, method = path+"/claim", http.MethodPost
				}
				a, err := s.try(s.url, method, path, "", nil)
				if err != nil {
					return err
				}
				if a.status != http.StatusOK && a.status != http.StatusAccepted {
					t.Errorf("%s %s: %d %s", method, path, a.status, a.text)
				}
				if key := a.str("apiKey"); key != "" {
					mu.Lock()
					defer mu.Unlock()
					keys[key] = true
				}
				return nil
			})
			a := s.until("an end", func() (answer, bool) {
				a := s.ask("GET", "/api/session/"+session, "", nil)
				return a, a.status == http.StatusOK
			})
			if key := a.str("apiKey"); key != "" {
				keys[key] = true
			}
			works := 0
			for key := range keys {
				customer, _ := a.object("customer")["id"].(string)
				if s.ask("GET", "/api/customer/"+customer, key, nil).status == http.StatusOK {
					works++
				}
			}
			if works != 1 {
				t.Fatalf("%d keys were given out, of which %d work", len(keys), works)
			}
		}
	})
}

// readers runs work n times at once.
func readers(t *testing.T, n int, work func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-begin
			if err := work(i); err != nil {
				t.Error(err)
			}
		})
	}
	close(begin)
	wg.Wait()
}

// Deliveries in any order, several times, at two replicas at once, come out as what
// is true.
func TestOrderAndRepetitionChangeNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		s := newShop(t, open(t))
		_, other := s.replica()
		for round := range rounds {
			session, _ := s.checkout("")
			pay := func(err error) {
				if err != nil {
					t.Fatal(err)
				}
			}
			pay(s.fake.Pay(session))
			sub := s.fake.SubscriptionOf(session)
			pay(s.fake.FailRenewal(sub))
			pay(s.fake.Recover(sub))
			want := http.StatusOK
			if round%2 == 1 {
				pay(s.fake.Cancel(sub))
				want = http.StatusUnauthorized
			}
			events := s.fake.Deliveries()
			readers(t, len(events)*3, func(i int) error {
				url := s.url
				if i%2 == 1 {
					url = other
				}
				e := events[(i*7+round)%len(events)]
				status, err := s.fake.DeliverOne(t.Context(), url+"/api/webhooks/stripe", e)
				if err == nil && status != http.StatusOK {
					t.Errorf("%s is answered with %d", e.Type, status)
				}
				return err
			})
			last := s.until("the key or its absence", func() (answer, bool) {
				a := s.ask("GET", "/api/session/"+session, "", nil)
				return a, a.status != http.StatusAccepted
			})
			if want == http.StatusOK {
				customer, _ := last.object("customer")["id"].(string)
				if last.str("apiKey") == "" {
					t.Fatalf("round %d: no key: %d %s", round, last.status, last.text)
				}
				s.enters(customer, last.str("apiKey"), want)
			} else if customer := last.object("customer"); last.status == http.StatusOK && customer["status"] != "inactive" {
				// It may have been seen only after its end, and then nobody came in.
				t.Fatalf("cancelled, and yet %s", last.text)
			}
			s.does(nil)
		}
	})
}
