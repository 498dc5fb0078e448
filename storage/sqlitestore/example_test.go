package sqlitestore_test

import (
	"context"
	"fmt"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

func Example() {
	ctx := context.Background()
	store, err := sqlitestore.Open(ctx, sqlitestore.Memory, nil) // or a file's path
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	err = store.CreateCustomer(ctx, storage.Customer{
		ID:        storage.CustomerID(storage.NewID()),
		Email:     "ada@example.com",
		Status:    storage.StatusActive,
		CreatedAt: storage.Now(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	customers, err := store.Customers(ctx, storage.CustomerQuery{Search: "ada", Page: storage.Page{Limit: 10}})
	fmt.Println(len(customers), customers[0].Email, err)
	// Output: 1 ada@example.com <nil>
}
