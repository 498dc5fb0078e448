package bunstore

import (
	"context"
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"github.com/heycmo/heycmo-go/storage"
)

// On SQLite a vector is a column of the memory, which sqlite-vec compares. On
// PostgreSQL it is a row of a table of its own, which is there where pgvector is.

// maxVector is how many dimensions a vector may have.
const maxVector = 4096

func checkVector(v []float32, space string) error {
	if (v == nil) != (space == "") {
		return storage.Invalid("space", "given with a vector, and only then")
	}
	if v == nil {
		return nil
	}
	var length float64
	for _, x := range v {
		length += float64(x) * float64(x)
	}
	if len(v) == 0 || len(v) > maxVector || length == 0 || math.IsNaN(length) || math.IsInf(length, 0) {
		return storage.Invalid("vector", "1 to %d finite numbers that are not all 0", maxVector)
	}
	return nil
}

// vectorTable makes the table of vectors, if pgvector is there or can be had. Its
// absence is no error: the role may lack the right to install it.
func vectorTable(ctx context.Context, db *bun.DB) error {
	schema, err := extensionSchema(ctx, db)
	if err == nil && schema == "" {
		// As described. It is for all of the database, so not in a schema of ours.
		_, _ = db.ExecContext(ctx, "CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public")
		schema, err = extensionSchema(ctx, db)
	}
	if err != nil || schema == "" {
		return err
	}
	_, err = db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS memory_vectors (
		customer_id TEXT COLLATE "C" NOT NULL,
		id          TEXT COLLATE "C" NOT NULL,
		space       TEXT COLLATE "C" NOT NULL,
		vector      ?.vector NOT NULL,
		PRIMARY KEY (customer_id, id),
		FOREIGN KEY (customer_id, id) REFERENCES memories (customer_id, id) ON DELETE CASCADE
	)`, bun.Ident(schema))
	return err
}

// extensionSchema returns where pgvector is, or "". It need not be in the search path.
func extensionSchema(ctx context.Context, db bun.IDB) (schema string, err error) {
	err = db.NewRaw("SELECT COALESCE((SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'), '')").Scan(ctx, &schema)
	return schema, err
}

// vectorSchema returns where the functions are that compare vectors, and whether there
// are any. On SQLite they are in no schema.
func (s *Store) vectorSchema(ctx context.Context) (schema bun.Ident, able bool, err error) {
	if !s.postgres() {
		err = s.read.NewRaw("SELECT EXISTS (SELECT 1 FROM pragma_function_list WHERE name = 'vec_distance_cosine')").Scan(ctx, &able)
		return "", able, wrap(ctx, err)
	}
	name, err := extensionSchema(ctx, s.read)
	if err == nil && name != "" {
		err = s.read.NewRaw("SELECT to_regclass('memory_vectors') IS NOT NULL").Scan(ctx, &able)
	}
	return bun.Ident(name), able, wrap(ctx, err)
}

// putVector stores a memory's vector, or that there is none.
func (s *Store) putVector(ctx context.Context, m storage.Memory) error {
	if !s.postgres() {
		_, err := s.exec(ctx, s.write.NewRaw("UPDATE memories SET vector = ? WHERE customer_id = ? AND id = ?", blobOf(m.Vector), m.CustomerID, m.ID))
		return err
	}
	schema, able, err := s.vectorSchema(ctx)
	if err != nil || !able {
		return err
	}
	if m.Vector == nil {
		_, err = s.exec(ctx, s.write.NewRaw("DELETE FROM memory_vectors WHERE customer_id = ? AND id = ?", m.CustomerID, m.ID))
		return err
	}
	_, err = s.exec(ctx, s.write.NewRaw(
		"INSERT INTO memory_vectors (customer_id, id, space, vector) VALUES (?, ?, ?, ?::?.vector) ON CONFLICT (customer_id, id) DO UPDATE SET space = EXCLUDED.space, vector = EXCLUDED.vector",
		m.CustomerID, m.ID, m.Space, textOf(m.Vector), schema))
	return err
}

// byVector looks for what is nearest, among vectors of the same space and length.
func (s *Store) byVector(q *bun.SelectQuery, schema bun.Ident, search storage.MemorySearch) *bun.SelectQuery {
	if s.postgres() {
		return q.ColumnExpr("1 - (v.vector OPERATOR(?0.<=>) ?1::?0.vector) AS score", schema, textOf(search.Vector)).
			Join("JOIN memory_vectors AS v ON v.customer_id = m.customer_id AND v.id = m.id").
			Where("v.space = ?", search.Space).Where("?.vector_dims(v.vector) = ?", schema, len(search.Vector)).
			OrderExpr("score DESC, m.id DESC")
	}
	blob := blobOf(search.Vector)
	return q.ColumnExpr("1 - vec_distance_cosine(m.vector, ?) AS score", blob).
		Where("m.space = ?", search.Space).Where("length(m.vector) = ?", len(blob)).
		OrderExpr("score DESC, m.id DESC")
}

// blobOf is a vector as sqlite-vec reads it: float32 in the machine's byte order.
func blobOf(v []float32) []byte {
	if v == nil {
		return nil
	}
	blob := make([]byte, 0, 4*len(v))
	for _, x := range v {
		blob = binary.NativeEndian.AppendUint32(blob, math.Float32bits(x))
	}
	return blob
}

// textOf is a vector as pgvector reads it.
func textOf(v []float32) string {
	numbers := make([]string, len(v))
	for i, x := range v {
		numbers[i] = strconv.FormatFloat(float64(x), 'g', -1, 32)
	}
	return "[" + strings.Join(numbers, ",") + "]"
}
