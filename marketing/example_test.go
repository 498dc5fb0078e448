package marketing_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/marketing"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// A host calls the catalog's tools when a customer's client asks for it. Here
// they are called by hand.
func Example() {
	ctx := context.Background()
	store, err := sqlitestore.Open(ctx, sqlitestore.Memory, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	now := storage.Now()
	ada := storage.Customer{
		ID: storage.CustomerID(storage.NewID()), Email: "ada@example.com", Status: storage.StatusActive, CreatedAt: now, UpdatedAt: now,
	}
	if err := store.CreateCustomer(ctx, ada); err != nil {
		log.Fatal(err)
	}

	catalog, err := marketing.New(store, nil)
	if err != nil {
		log.Fatal(err)
	}
	tools := map[string]*agent.Tool{}
	for _, t := range catalog.Tools {
		tools[t.Name] = t
	}
	call := func(tool, args string) string {
		result, err := tools[tool].Call(ctx, ada.ID, []byte(args))
		if err != nil {
			return err.Error()
		}
		return result.Content[0].Text
	}

	call("update_brand", `{"brandName": "Acme", "voice": "dry"}`)
	brief := call("ask_agent", `{"agent": "social", "task": "Announce the new price"}`)
	for line := range strings.Lines(brief) {
		if strings.HasPrefix(line, "# ") || strings.HasPrefix(line, "> ") {
			fmt.Print(line)
		}
	}
	fmt.Println(call("update_brand", `{"voice": ""}`))
	fmt.Println(call("ask_agent", `{"agent": "poet", "task": "A poem"}`))
	// Output:
	// # Brief: Social
	// > Announce the new price
	// > brandName: Acme
	// > voice: dry
	// > Not known yet: website, industry, offer, audience, goals, competitors, keywords, facts
	// > (nothing was saved yet)
	// {"changed":["voice"],"brand":{"brandName":"Acme","website":"","industry":"","offer":"","audience":"","voice":"","goals":[],"competitors":[],"keywords":[],"facts":[]}}
	// argument "agent" is not valid; expected one of "cmo", "ads", "analyst", "brand-strategist", "cro", "customer-marketer", "designer", "email", "engagement", "growth", "pr", "product-marketer", "researcher", "sales", "seo-writer", "social", "video"
}
