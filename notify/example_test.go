package notify_test

import (
	"context"
	"fmt"
	"time"

	"github.com/heycmo/heycmo-go/notify"
)

func Example() {
	var notifier notify.Notifier = notify.Func(func(_ context.Context, n notify.Notice) error {
		message, err := n.Message()
		if err != nil {
			return err
		}
		fmt.Printf("To: %s\nSubject: %s\n\n%s", n.Email, message.Subject, message.Body)
		return nil
	})
	err := notifier.Notify(context.Background(), notify.Notice{
		ID: "payment_failed:c1", Kind: notify.KindPaymentFailed, Email: "ada@example.com", Product: "HeyCMO", PlanName: "Pro",
		Until: time.Date(2026, 11, 30, 14, 5, 0, 0, time.UTC), URL: "https://example.com/pay",
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// To: ada@example.com
	// Subject: Your payment for HeyCMO didn't go through
	//
	// Hello,
	//
	// The last payment for HeyCMO (Pro) didn't go through. Everything keeps working until 30 November 2026, 14:05 UTC. If it isn't paid by then, your account will be paused until it is.
	//
	// To pay, to confirm the payment with your bank, or to change your card, go to:
	// https://example.com/pay
	//
	// If you have a question, just reply to this message.
	//
	// HeyCMO
}
