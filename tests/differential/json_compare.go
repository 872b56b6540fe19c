// Whether lib/base/json.h and Go's encoding/json say the same of a text: first whether it is JSON, then what
// it holds. Texts are generated, whole and damaged, and taken from the corpora named.
//
//	go run json_compare.go VERDICTS COUNT SEED [CORPUS...]
//
// Four things are refused by us on purpose and so are left out of what Go accepts: text that is not UTF-8, an escaped
// NUL, half a surrogate pair, and more than 64 levels.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"unicode/utf8"
)

const (
	depthMax = 64
	refused  = 1<<32 - 1
)

var keys = []string{"a", "b", "A", "é", "", "name", `\u0061`, "metadata"}

var texts = []string{"", "x", "two words", "é", "😀", "\x7f", `\"`, `\\`, `\/`, `\b\f\n\r\t`, `\u00e9`, `\ud83d\ude00`,
	`\uD83D\uDE00`, `\ud83d`, `\ude00`, `\ud83d\u0041`, `\u0000`, `\u0001`, `\x`, `\u12`, `\u12g4`, "\t", "\x00", "\n",
	"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xef\xbb\xbf"}

var numbers = []string{"0", "-0", "1", "-1", "10", "01", "-01", "1.0", "1.", ".5", "0.5", "-", "+1", "1e5", "1E+5", "1e-5",
	"1e", "1e+", "9007199254740993", "-9223372036854775808", "18446744073709551616", "1e999", "0x1", "1_0", "NaN",
	"0.1234567890123456789012345678901234567890123456789012345678901234567890123456789", "00", "0e0", "1.5e3"}

var words = []string{"true", "false", "null", "True", "nul", "nulll", "undefined", "tru"}

var spaces = []string{"", "", "", "", " ", "\n", "\t", "\r\n", "\v", "\u00a0"}

var damages = []string{"{", "}", "[", "]", ",", ":", `"`, `\`, "0", "-", ".", "e", " ", "\x00", "\xff", "u", "//", "/**/"}

func pick(r *rand.Rand, from []string) string { return from[r.Intn(len(from))] }

// good takes the first few only, most of the time: else nearly every long text would be refused.
func good(r *rand.Rand, from []string, count int) string {
	if r.Intn(40) == 0 {
		return pick(r, from)
	}
	return from[r.Intn(count)]
}

func writeValue(r *rand.Rand, out *bytes.Buffer, depth int) {
	space := func() { out.WriteString(good(r, spaces, 8)) }
	space()
	defer space()
	kind := r.Intn(10)
	if depth > 6 && kind < 4 {
		kind += 4
	}
	switch kind {
	case 0, 1:
		out.WriteByte('{')
		for i, n := 0, r.Intn(20)*r.Intn(2)+r.Intn(4); i < n; i++ {
			if i > 0 {
				out.WriteByte(',')
			}
			space()
			fmt.Fprintf(out, `"%s"`, pick(r, keys))
			space()
			out.WriteByte(':')
			writeValue(r, out, depth+1)
		}
		out.WriteByte('}')
	case 2, 3:
		out.WriteByte('[')
		for i, n := 0, r.Intn(4); i < n; i++ {
			if i > 0 {
				out.WriteByte(',')
			}
			writeValue(r, out, depth+1)
		}
		out.WriteByte(']')
	case 4, 5, 6:
		out.WriteByte('"')
		for i, n := 0, r.Intn(4); i < n; i++ {
			out.WriteString(good(r, texts, 13))
		}
		out.WriteByte('"')
	case 7, 8:
		out.WriteString(good(r, numbers, 5))
	default:
		out.WriteString(good(r, words, 3))
	}
}

func damage(r *rand.Rand, text []byte) []byte {
	for n := 1 + r.Intn(3); n > 0; n-- {
		at := r.Intn(len(text) + 1)
		to := at + r.Intn(min(4, len(text)-at+1))
		switch r.Intn(3) {
		case 0:
			text = append(text[:at:at], text[to:]...)
		case 1:
			text = append(append(text[:at:at], pick(r, damages)...), text[at:]...)
		default:
			text = append(append(text[:at:at], text[at:to]...), text[at:]...)
		}
	}
	return text
}

func deep(r *rand.Rand) []byte {
	n := depthMax - 2 + r.Intn(5)
	text := bytes.Repeat([]byte("["), n)
	return append(text, bytes.Repeat([]byte("]"), n)...)
}

func generate(r *rand.Rand, seeds [][]byte) []byte {
	var out bytes.Buffer
	kind := r.Intn(100)
	switch {
	case kind == 0:
		return deep(r)
	case kind < 20 && len(seeds) > 0:
		return damage(r, bytes.Clone(seeds[r.Intn(len(seeds))]))
	}
	writeValue(r, &out, 0)
	if kind < 60 {
		return damage(r, out.Bytes())
	}
	return out.Bytes()
}

// unit reads "\uXXXX" at the beginning of text, which is JSON; -1 when there is none.
func unit(text []byte) int64 {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	value, err := strconv.ParseInt(string(text[2:6]), 16, 32)
	if err != nil {
		return -1
	}
	return value
}

// oursRefuses reports valid JSON that we refuse.
func oursRefuses(text []byte) bool {
	depth, inString := 0, false
	for at := 0; at < len(text); at++ {
		c := text[at]
		switch {
		case inString && c == '\\':
			u := unit(text[at:])
			switch {
			case u == 0 || (u >= 0xdc00 && u <= 0xdfff):
				return true
			case u >= 0xd800 && u <= 0xdbff:
				if low := unit(text[at+6:]); low < 0xdc00 || low > 0xdfff {
					return true
				}
				at += 6
			}
			at++
		case c == '"':
			inString = !inString
		case !inString && (c == '{' || c == '['):
			if depth++; depth > depthMax {
				return true
			}
		case !inString && (c == '}' || c == ']'):
			depth--
		}
	}
	return !utf8.Valid(text)
}

func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var value any
	err := d.Decode(&value)
	return value, err
}

// fault compares one answer; "" when both agree.
func fault(text, printed []byte, accepted bool) string {
	wanted := json.Valid(text) && !oursRefuses(text)
	if wanted != accepted {
		return fmt.Sprintf("Go accepts: %v, ours: %v", wanted, accepted)
	}
	if !accepted {
		return ""
	}
	before, err := decode(text)
	if err != nil {
		return err.Error()
	}
	after, err := decode(printed)
	if err != nil || !reflect.DeepEqual(before, after) {
		return fmt.Sprintf("ours holds %q (%v)", printed, err)
	}
	return ""
}

func readSeeds(folders []string) (seeds [][]byte) {
	for _, folder := range folders {
		files, _ := filepath.Glob(filepath.Join(folder, "*"))
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil && len(text) < 1<<16 {
				seeds = append(seeds, text)
			}
		}
	}
	return seeds
}

func send(in io.WriteCloser, all [][]byte) {
	defer in.Close()
	out := bufio.NewWriterSize(in, 1<<16)
	defer out.Flush()
	for _, text := range all {
		binary.Write(out, binary.NativeEndian, uint32(len(text)))
		out.Write(text)
	}
}

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: json_compare VERDICTS COUNT SEED [CORPUS...]")
	}
	count, _ := strconv.Atoi(os.Args[2])
	seed, _ := strconv.ParseInt(os.Args[3], 10, 64)
	seeds := readSeeds(os.Args[4:])
	r := rand.New(rand.NewSource(seed))
	all := append([][]byte{}, seeds...)
	for i := 0; i < count; i++ {
		all = append(all, generate(r, seeds))
	}
	ours := exec.Command(os.Args[1])
	ours.Stderr = os.Stderr
	in, _ := ours.StdinPipe()
	out, _ := ours.StdoutPipe()
	if err := ours.Start(); err != nil {
		log.Fatal(err)
	}
	go send(in, all)
	answers := bufio.NewReaderSize(out, 1<<16)
	accepted, faults := 0, 0
	for _, text := range all {
		var size uint32
		if err := binary.Read(answers, binary.NativeEndian, &size); err != nil {
			log.Fatalf("no answer to %q: %v", text, err)
		}
		var printed []byte
		if size != refused {
			accepted++
			printed = make([]byte, size)
			if _, err := io.ReadFull(answers, printed); err != nil {
				log.Fatal(err)
			}
		}
		if why := fault(text, printed, size != refused); why != "" {
			if faults++; faults <= 10 {
				fmt.Printf("%q: %s\n", text, why)
			}
		}
	}
	if err := ours.Wait(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d texts, %d accepted, %d differ (seed %d)\n", len(all), accepted, faults, seed)
	// A generator that has gone stale would compare nothing.
	if faults > 0 || accepted < len(all)/5 || accepted > len(all)*4/5 {
		os.Exit(1)
	}
}
