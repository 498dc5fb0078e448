package marketing

import (
	"context"
	"errors"
	"net/url"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

// A customer has one brand. Its name and website are the customer's, the rest is
// a document.
const (
	brandKind = "brand"
	brandID   = "brand"
)

// profile is the data of the brand's document.
type profile struct {
	Industry    string   `json:"industry" jsonschema:"the market it is in"`
	Offer       string   `json:"offer" jsonschema:"what it sells, at what price, and why people buy it"`
	Audience    string   `json:"audience" jsonschema:"who buys it, and what they want to get done"`
	Voice       string   `json:"voice" jsonschema:"how it sounds: language, tone, words it uses and words it never uses"`
	Goals       []string `json:"goals" jsonschema:"what marketing must reach, each with a number and a date if there is one"`
	Competitors []string `json:"competitors" jsonschema:"whom buyers compare it with"`
	Keywords    []string `json:"keywords" jsonschema:"what its buyers search for"`
	Facts       []string `json:"facts" jsonschema:"claims about it that are true and may be published: numbers, quotes, awards, dates"`
}

type brand struct {
	BrandName string `json:"brandName" jsonschema:"name of the brand"`
	Website   string `json:"website" jsonschema:"its address"`
	profile
}

type brandUpdate struct {
	BrandName   *string  `json:"brandName,omitempty" jsonschema:"name of the brand"`
	Website     *string  `json:"website,omitempty" jsonschema:"its address, with https:// or http://"`
	Industry    *string  `json:"industry,omitempty" jsonschema:"the market it is in"`
	Offer       *string  `json:"offer,omitempty" jsonschema:"what it sells, at what price, and why people buy it"`
	Audience    *string  `json:"audience,omitempty" jsonschema:"who buys it, and what they want to get done"`
	Voice       *string  `json:"voice,omitempty" jsonschema:"how it sounds: language, tone, words it uses and words it never uses"`
	Goals       []string `json:"goals,omitempty" jsonschema:"what marketing must reach, each with a number and a date if there is one"`
	Competitors []string `json:"competitors,omitempty" jsonschema:"whom buyers compare it with"`
	Keywords    []string `json:"keywords,omitempty" jsonschema:"what its buyers search for"`
	Facts       []string `json:"facts,omitempty" jsonschema:"claims about it that are true and may be published: numbers, quotes, awards, dates"`
}

type updatedBrand struct {
	Changed []string `json:"changed" jsonschema:"the fields that have another value now"`
	Brand   brand    `json:"brand" jsonschema:"the whole brand as it is now"`
}

func (t *team) getBrandTool() *agent.Tool {
	return agent.NewTool("get_brand",
		"What is known about the customer's brand: name, website, industry, offer, audience, voice, goals, competitors, keywords and facts. Empty fields are not known yet; ask the customer and store the answers with update_brand.",
		func(ctx context.Context, customer storage.CustomerID, _ struct{}) (brand, error) {
			return loadBrand(ctx, t.store, customer)
		},
		&agent.ToolOptions{Title: "Get brand", ReadOnly: true, Idempotent: true})
}

func (t *team) updateBrandTool() *agent.Tool {
	return agent.NewTool("update_brand",
		"Stores what the customer says about their brand. Only the fields that are given change: a text or a list takes the place of the whole one before, an empty one clears it. Store what the customer said or agreed to, not guesses.",
		t.updateBrand,
		&agent.ToolOptions{Title: "Update brand", Destructive: true, NeedsPerson: true, Idempotent: true, Input: func(s *jsonschema.Schema) {
			boundText(s, "brandName", 0, 200)
			boundText(s, "website", 0, 2048)
			boundText(s, "industry", 0, 200)
			boundText(s, "offer", 0, 2000)
			boundText(s, "audience", 0, 2000)
			boundText(s, "voice", 0, 2000)
			boundList(s, "goals", 10, 300)
			boundList(s, "competitors", 20, 200)
			boundList(s, "keywords", 50, 100)
			boundList(s, "facts", 50, 500)
		}})
}

func (t *team) updateBrand(ctx context.Context, customer storage.CustomerID, in brandUpdate) (updatedBrand, error) {
	if err := in.check(); err != nil {
		return updatedBrand{}, err
	}
	var out updatedBrand
	err := t.store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		var e edit
		// The customer comes first: its row makes another update of the brand wait.
		c, err := tx.UpdateCustomer(ctx, customer, func(c *storage.Customer) error {
			e = edit{}
			e.text("brandName", &c.BrandName, in.BrandName)
			e.text("website", &c.Website, in.Website)
			if len(e.changed) > 0 {
				c.UpdatedAt = storage.Now()
			}
			return nil
		})
		if err != nil {
			return err
		}
		b, err := brandOf(ctx, tx, c)
		if err != nil {
			return err
		}
		ofCustomer := len(e.changed)
		e.text("industry", &b.Industry, in.Industry)
		e.text("offer", &b.Offer, in.Offer)
		e.text("audience", &b.Audience, in.Audience)
		e.text("voice", &b.Voice, in.Voice)
		e.list("goals", &b.Goals, in.Goals)
		e.list("competitors", &b.Competitors, in.Competitors)
		e.list("keywords", &b.Keywords, in.Keywords)
		e.list("facts", &b.Facts, in.Facts)
		out = updatedBrand{Changed: append([]string{}, e.changed...), Brand: b}
		if len(e.changed) == 0 {
			return nil
		}
		if len(e.changed) > ofCustomer {
			if err := storeProfile(ctx, tx, customer, b.profile); err != nil {
				return err
			}
		}
		return storage.Record(ctx, tx, customer, "brand.updated", map[string]any{"fields": e.changed})
	})
	if err == nil && len(out.Changed) > 0 {
		agent.Updated(ctx, brandURI)
	}
	return out, err
}

// check refuses what the schema can't see.
func (in brandUpdate) check() error {
	texts := []struct {
		name  string
		text  *string
		check func(field, text string) error
	}{
		{"brandName", in.BrandName, checkLine}, {"website", in.Website, checkWebsite}, {"industry", in.Industry, checkLine},
		{"offer", in.Offer, checkText}, {"audience", in.Audience, checkText}, {"voice", in.Voice, checkText},
	}
	lists := []struct {
		name  string
		items []string
	}{
		{"goals", in.Goals}, {"competitors", in.Competitors}, {"keywords", in.Keywords}, {"facts", in.Facts},
	}
	given := false
	for _, f := range texts {
		if f.text == nil {
			continue
		}
		given = true
		if err := f.check(f.name, *f.text); err != nil {
			return err
		}
	}
	for _, f := range lists {
		given = given || f.items != nil
		for _, item := range f.items {
			if err := checkLine("each of "+f.name, item); err != nil {
				return err
			}
		}
	}
	if !given {
		return agent.Errorf("no field is given; give at least one, such as voice")
	}
	return nil
}

func checkWebsite(field, address string) error {
	u, err := url.Parse(address)
	if address != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil) {
		return storage.Invalid(field, "an address such as https://example.com")
	}
	return checkLine(field, address)
}

// edit puts given values into fields and notes which of them changed.
type edit struct{ changed []string }

func (e *edit) text(name string, field, given *string) {
	if given != nil && *given != *field {
		*field = *given
		e.changed = append(e.changed, name)
	}
}

func (e *edit) list(name string, field *[]string, given []string) {
	if given != nil && !slices.Equal(given, *field) {
		*field = given
		e.changed = append(e.changed, name)
	}
}

func loadBrand(ctx context.Context, store storage.Store, customer storage.CustomerID) (brand, error) {
	c, err := store.Customer(ctx, customer)
	if err != nil {
		return brand{}, err
	}
	return brandOf(ctx, store, c)
}

func brandOf(ctx context.Context, store storage.Documents, c storage.Customer) (brand, error) {
	b := brand{BrandName: c.BrandName, Website: c.Website}
	d, err := store.Document(ctx, c.ID, brandKind, brandID)
	switch {
	case err == nil:
		if b.profile, err = decode[profile](d.Data); err != nil {
			return brand{}, err
		}
	case !errors.Is(err, storage.ErrNotFound):
		return brand{}, err
	}
	for _, list := range []*[]string{&b.Goals, &b.Competitors, &b.Keywords, &b.Facts} {
		if *list == nil {
			*list = []string{} // [] to clients, not null
		}
	}
	return b, nil
}

func storeProfile(ctx context.Context, tx storage.Documents, customer storage.CustomerID, p profile) error {
	data, err := encode(p)
	if err != nil {
		return err
	}
	now := storage.Now()
	_, err = tx.UpdateDocument(ctx, customer, brandKind, brandID, func(d *storage.Document) error {
		d.Data, d.UpdatedAt = data, now
		return nil
	})
	if errors.Is(err, storage.ErrNotFound) {
		err = tx.CreateDocument(ctx, storage.Document{
			CustomerID: customer, Kind: brandKind, ID: brandID, Data: data, CreatedAt: now, UpdatedAt: now,
		})
	}
	return err
}
