package main

import (
	"net/http"

	triggers "github.com/tektoncd/triggers/pkg/apis/triggers/v1beta1"
	"github.com/tektoncd/triggers/pkg/template"
)

type filling struct {
	Params     []triggers.Param     `json:"params"`
	Declared   []triggers.ParamSpec `json:"declared"`
	Body       []byte               `json:"body"`
	Header     http.Header          `json:"header"`
	Extensions map[string]any       `json:"extensions"`
}

type filled struct {
	Values map[string]string `json:"values,omitempty"`
	Error  string            `json:"error,omitempty"`
}

func fill(asked *filling) any {
	declared := &triggers.TriggerTemplate{Spec: triggers.TriggerTemplateSpec{Params: asked.Declared}}
	trigger := template.ResolvedTrigger{BindingParams: asked.Params, TriggerTemplate: declared}
	found, err := template.ResolveParams(
		trigger, asked.Body, asked.Header, asked.Extensions, template.NewTriggerContext("1234"))
	if err != nil {
		return filled{Error: err.Error()}
	}
	values := map[string]string{}
	for _, param := range found {
		values[param.Name] = param.Value
	}
	return filled{Values: values}
}
