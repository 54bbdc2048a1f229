// A reader of the log that shares no line with the realm: golang.org/x/mod's notes, tiles and proofs. It reads a
// running realm (http://…/log/) or a folder, and exits with 0 only if all of it is accepted.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func fail(format string, values ...any) { must(fmt.Errorf(format, values...)) }

// fetch reads a file below the log's prefix.
func fetch(place, path string) []byte {
	if !strings.HasPrefix(place, "http") {
		data, err := os.ReadFile(filepath.Join(place, path))
		must(err)
		return data
	}
	answer, err := http.Get(place + path)
	must(err)
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	must(err)
	if answer.StatusCode != 200 {
		fail("%s: %s", path, answer.Status)
	}
	return data
}

// openTree believes a checkpoint if the key has signed it.
func openTree(raw []byte, key note.Verifier) tlog.Tree {
	opened, err := note.Open(raw, note.VerifierList(key))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != key.Name() {
		fail("this is another log's checkpoint: %q", lines[0])
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	hash, err := tlog.ParseHash(lines[2])
	must(err)
	return tlog.Tree{N: size, Hash: hash}
}

type tiles struct{ place string }

func (tiles) Height() int                     { return 8 }
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	read := make([][]byte, len(wanted))
	for at, tile := range wanted {
		// Go's paths name the height of tiles, which is always 8 in C2SP's.
		read[at] = fetch(t.place, "tile/"+strings.TrimPrefix(tile.Path(), "tile/8/"))
	}
	return read, nil
}

func entriesIn(bundle []byte) [][]byte {
	var entries [][]byte
	for len(bundle) > 0 {
		length := int(binary.BigEndian.Uint16(bundle))
		entries = append(entries, bundle[2:2+length])
		bundle = bundle[2+length:]
	}
	return entries
}

func checkLog(place string, tree tlog.Tree) {
	reader := tlog.TileHashReader(tree, tiles{place})
	root, err := tlog.TreeHash(tree.N, reader)
	must(err)
	if root != tree.Hash {
		fail("the tiles have another root than the checkpoint")
	}
	for first := int64(0); first < tree.N; first += 256 {
		width := min(256, tree.N-first)
		path := tlog.Tile{H: 8, L: 0, N: first / 256, W: int(width)}.Path()
		bundle := fetch(place, "tile/entries/"+strings.TrimPrefix(path, "tile/8/0/"))
		entries := entriesIn(bundle)
		if int64(len(entries)) != width {
			fail("bundle %d has %d entries", first/256, len(entries))
		}
		for at, entry := range entries {
			index := first + int64(at)
			proof, err := tlog.ProveRecord(tree.N, index, reader)
			must(err)
			must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)))
		}
	}
	fmt.Printf("%d entries\n", tree.N)
}

// readProof splits a proof file: its first lines, its hashes, its checkpoint.
func readProof(file string) (head []string, hashes []tlog.Hash, checkpoint []byte) {
	raw, err := os.ReadFile(file)
	must(err)
	proof, rest, found := strings.Cut(string(raw), "\n\n")
	if !found {
		fail("the proof has no checkpoint")
	}
	for _, line := range strings.Split(proof, "\n") {
		if hash, err := tlog.ParseHash(line); err == nil {
			hashes = append(hashes, hash)
		} else {
			head = append(head, line)
		}
	}
	return head, hashes, []byte(rest)
}

func number(line, word string) int64 {
	value, err := strconv.ParseInt(strings.TrimPrefix(line, word+" "), 10, 64)
	must(err)
	return value
}

func checkInclusion(file string, key note.Verifier) {
	head, hashes, checkpoint := readProof(file)
	if len(head) != 3 || head[0] != "c2sp.org/tlog-proof@v1" {
		fail("this is not a tlog-proof: %q", head)
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(head[1], "extra "))
	must(err)
	tree := openTree(checkpoint, key)
	must(tlog.CheckRecord(hashes, tree.N, tree.Hash, number(head[2], "index"), tlog.RecordHash(entry)))
	fmt.Printf("included: %s\n", entry)
}

func checkConsistency(file, since string, key note.Verifier) {
	head, hashes, checkpoint := readProof(file)
	raw, err := os.ReadFile(since)
	must(err)
	now, old := openTree(checkpoint, key), openTree(raw, key)
	if len(head) != 1 || number(head[0], "old") != old.N {
		fail("this proof is about another size: %q", head)
	}
	must(tlog.CheckTree(hashes, now.N, now.Hash, old.N, old.Hash))
	fmt.Println("consistent")
}

func main() {
	vkey := flag.String("key", "", "verifier key of the log")
	log := flag.String("log", "", "URL prefix or folder of the log")
	proof := flag.String("proof", "", "file of an inclusion proof")
	consistency := flag.String("consistency", "", "file of a consistency proof")
	since := flag.String("since", "", "file of the older checkpoint")
	flag.Parse()
	key, err := note.NewVerifier(*vkey)
	must(err)
	if *log != "" {
		checkLog(*log, openTree(fetch(*log, "checkpoint"), key))
	}
	if *proof != "" {
		checkInclusion(*proof, key)
	}
	if *consistency != "" {
		checkConsistency(*consistency, *since, key)
	}
}
