// The judge answers, a line for a line, what Tekton Triggers makes of an event.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"go.uber.org/zap"
)

type question struct {
	Interceptor *interception `json:"interceptor"`
	Sink        *delivery     `json:"sink"`
	Params      *filling      `json:"params"`
}

type answer struct {
	Status int             `json:"status,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
	Panic  string          `json:"panic,omitempty"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := out.Encode(judged(asked)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// What a server would not outlive is an answer as well.
func judged(asked question) (said any) {
	defer func() {
		if fault := recover(); fault != nil {
			said = answer{Panic: fmt.Sprint(fault)}
		}
	}()
	if asked.Sink != nil {
		return handled(asked.Sink)
	}
	if asked.Params != nil {
		return fill(asked.Params)
	}
	return intercepted(asked.Interceptor)
}

func request(url string, body []byte) *http.Request {
	return httptest.NewRequest(http.MethodPost, url, bytes.NewReader(body))
}

func logger() *zap.SugaredLogger {
	return zap.NewNop().Sugar()
}
