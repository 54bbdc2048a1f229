// A judge of cosignatures that shares no line with the realm: torchwood's verifiers and golang.org/x/mod's notes. It
// exits with 0 only if the note on standard input is signed by the log and co-signed by the witness.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	logKey := flag.String("log", "", "verifier key of the log (Ed25519)")
	witnessKey := flag.String("witness", "", "verifier key of the witness (Ed25519 cosignatures)")
	flag.Parse()
	log, err := note.NewVerifier(*logKey)
	must(err)
	witness, err := torchwood.NewCosignatureVerifier(*witnessKey)
	must(err)
	raw, err := io.ReadAll(os.Stdin)
	must(err)
	opened, err := note.Open(raw, note.VerifierList(log, witness))
	must(err)
	checkpoint, err := torchwood.ParseCheckpoint(opened.Text)
	must(err)
	if len(opened.Sigs) != 2 || checkpoint.Origin != log.Name() {
		must(fmt.Errorf("signed by %d of two, origin %q", len(opened.Sigs), checkpoint.Origin))
	}
	fmt.Printf("%d entries, co-signed by %s\n", checkpoint.N, witness.Name())
}
