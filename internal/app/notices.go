package app

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/heycmo/heycmo-go/notify"
	"github.com/heycmo/heycmo-go/storage"
)

// OptionalNotice is a notice that a customer can do without.
type OptionalNotice struct {
	Kind  notify.Kind
	Title string
}

// OptionalNotices are all of them. The others are about money and access.
var OptionalNotices = []OptionalNotice{
	{notify.KindApprovalWaiting, "Something waits for my approval"},
	{notify.KindReconnect, "An account must be connected again"},
}

const noticesKind = "notice_settings"

type noticeSettings struct {
	Unwanted []notify.Kind `json:"unwanted"`
}

// UnwantedNotices returns the kinds of notices that the customer doesn't want.
func (a *App) UnwantedNotices(ctx context.Context, customer storage.CustomerID) ([]notify.Kind, error) {
	d, err := a.Store.Document(ctx, customer, noticesKind, noticesKind)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var s noticeSettings
	err = json.Unmarshal(d.Data, &s)
	return s.Unwanted, err
}

// SetUnwantedNotices stores which of the OptionalNotices the customer doesn't want.
func (a *App) SetUnwantedNotices(ctx context.Context, customer storage.CustomerID, kinds []notify.Kind) error {
	for _, k := range kinds {
		if !slices.ContainsFunc(OptionalNotices, func(o OptionalNotice) bool { return o.Kind == k }) {
			return storage.Invalid("notice", "one that can be done without")
		}
	}
	data, err := json.Marshal(noticeSettings{kinds})
	if err != nil {
		return err
	}
	now := storage.Now()
	err = a.Store.CreateDocument(ctx, storage.Document{CustomerID: customer, Kind: noticesKind, ID: noticesKind, Data: data, CreatedAt: now, UpdatedAt: now})
	if errors.Is(err, storage.ErrExists) {
		_, err = a.Store.UpdateDocument(ctx, customer, noticesKind, noticesKind, func(d *storage.Document) error {
			d.Data, d.UpdatedAt = data, now
			return nil
		})
	}
	return err
}
