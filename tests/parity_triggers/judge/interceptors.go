package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	triggers "github.com/tektoncd/triggers/pkg/apis/triggers/v1beta1"
	"github.com/tektoncd/triggers/pkg/interceptors/server"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

type interception struct {
	Name    string              `json:"name"`
	Body    []byte              `json:"body"`
	Header  map[string][]string `json:"header"`
	Params  map[string]any      `json:"params"`
	Extras  map[string]any      `json:"extensions"`
	URL     string              `json:"url"`
	Secrets secrets             `json:"secrets"`
	GitHub  *github             `json:"github"`
}

// From namespace/name to the data of a Secret.
type secrets map[string]map[string][]byte

func (all secrets) Get(_ context.Context, namespace string, ref *triggers.SecretRef) ([]byte, error) {
	data, found := all[namespace+"/"+ref.SecretName]
	if !found {
		return nil, errors.NewNotFound(schema.GroupResource{Resource: "secrets"}, ref.SecretName)
	}
	value, found := data[ref.SecretKey]
	if !found {
		return nil, fmt.Errorf("cannot find %s key in secret %s/%s", ref.SecretKey, namespace, ref.SecretName)
	}
	return value, nil
}

// As the sink asks: what is no UTF-8 is lost on the way.
func intercepted(asked *interception) answer {
	sent, err := json.Marshal(triggers.InterceptorRequest{
		Body:              string(asked.Body),
		Header:            asked.Header,
		Extensions:        asked.Extras,
		InterceptorParams: asked.Params,
		Context: &triggers.TriggerContext{
			EventURL: asked.URL, EventID: "1234", TriggerID: "namespaces/ns/triggers/name",
		},
	})
	if err != nil {
		panic(err)
	}
	if asked.GitHub != nil {
		usual := http.DefaultTransport
		http.DefaultTransport = asked.GitHub
		defer func() { http.DefaultTransport = usual }()
	}
	core, err := server.NewWithCoreInterceptors(asked.Secrets, logger())
	if err != nil {
		panic(err)
	}
	got := httptest.NewRecorder()
	core.ServeHTTP(got, request("/"+asked.Name, sent))
	return answer{Status: got.Code, Body: got.Body.Bytes()}
}
