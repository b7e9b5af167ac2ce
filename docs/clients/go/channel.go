// Both halves of a channel, in Go.
//
// Needs Go 1.20 and github.com/standard-webhooks/standard-webhooks/libraries/go. What is typed is
// sent as a consumer's text; what agents say is printed. Settings: see README.md beside this folder.
package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

type event map[string]any

var client = &http.Client{Timeout: 30 * time.Second}

// send sends an event until it is accepted. A repeat with the same id does no harm.
func send(e event) error {
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		accepted, wait, err := tryOnce(e)
		if accepted || err != nil {
			return err
		}
		if wait < 0 {
			wait = pause
		}
		time.Sleep(wait)
	}
}

// tryOnce says whether the event was accepted, else how long to wait (negative: not said). Its
// error is a refusal for good.
func tryOnce(e event) (accepted bool, wait time.Duration, err error) {
	body, err := json.Marshal(e)
	if err != nil {
		return false, 0, err
	}
	request, err := http.NewRequest("POST", eventsURL(), bytes.NewReader(body))
	if err != nil {
		return false, 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("x-api-key", os.Getenv("KEY"))
	answer, failure := client.Do(request)
	if failure != nil { // no connection, no answer, a broken one
		return false, -1, nil
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	switch status := answer.StatusCode; {
	case status < 300:
		return true, 0, nil
	case status == 408 || status == 425 || status == 429 || status >= 500:
		return false, retryAfter(answer.Header), nil
	default:
		return false, 0, fmt.Errorf("refused with %d: %s", status, said)
	}
}

func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.ParseUint(header.Get("Retry-After"), 10, 16)
	if err != nil {
		return -1
	}
	return time.Duration(seconds) * time.Second
}

func eventsURL() string {
	consumer := os.Getenv("CONSUMER")
	if consumer == "" {
		consumer = "+4915112345678"
	}
	// QueryEscape leaves no "+" as it is; a path needs %20 for a blank.
	escaped := strings.ReplaceAll(url.QueryEscape(consumer), "+", "%20")
	return os.Getenv("API") + "/accounts/" + os.Getenv("ACCOUNT") + "/consumers/" + escaped + "/events"
}

// callbacks takes callbacks: it verifies the bytes, drops what was seen, and answers quickly.
type callbacks struct {
	webhook *standardwebhooks.Webhook
	mutex   sync.Mutex
	seen    map[string]bool // keep it for a week, in a database
}

func (c *callbacks) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, 1<<20))
	if err != nil {
		response.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if c.webhook.Verify(body, request.Header) != nil {
		response.WriteHeader(http.StatusUnauthorized)
		return
	}
	if c.isNew(request.Header.Get("webhook-id")) {
		show(body)
	}
	response.WriteHeader(http.StatusNoContent)
}

func (c *callbacks) isNew(id string) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	known := c.seen[id]
	c.seen[id] = true
	return !known
}

// show prints what an agent said, and ignores what it does not know.
func show(body []byte) {
	var callback struct {
		Type    string
		Content struct {
			Text         string
			FallbackText string `json:"fallback_text"`
			URL          string
		}
	}
	if json.Unmarshal(body, &callback) != nil {
		return
	}
	for _, said := range []string{callback.Content.Text, callback.Content.FallbackText, callback.Content.URL} {
		if said != "" {
			fmt.Println("agent:", said)
			return
		}
	}
	fmt.Printf("(%s)\n", callback.Type)
}

func newID() string {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		log.Fatal(err)
	}
	return fmt.Sprintf("%x", id)
}

func min(a, b time.Duration) time.Duration {
	if a < b {
		return a
	}
	return b
}

func main() {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("SECRET"))
	if err != nil {
		log.Fatal("SECRET: ", err)
	}
	handler := &callbacks{webhook: webhook, seen: map[string]bool{}}
	go func() { log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), handler)) }()

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		text := strings.TrimSpace(lines.Text())
		if err := send(event{"id": newID(), "type": "text", "text": text}); err != nil {
			log.Fatal(err)
		}
		fmt.Println("sent")
	}
}
