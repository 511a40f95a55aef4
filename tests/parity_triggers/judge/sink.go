package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"sync"

	"github.com/tektoncd/triggers/pkg/apis/triggers/v1alpha1"
	"github.com/tektoncd/triggers/pkg/apis/triggers/v1beta1"
	listersv1alpha1 "github.com/tektoncd/triggers/pkg/client/listers/triggers/v1alpha1"
	listers "github.com/tektoncd/triggers/pkg/client/listers/triggers/v1beta1"
	"github.com/tektoncd/triggers/pkg/interceptors/server"
	"github.com/tektoncd/triggers/pkg/sink"
	"github.com/tektoncd/triggers/pkg/template"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
)

type delivery struct {
	Objects []json.RawMessage   `json:"objects"`
	Body    []byte              `json:"body"`
	Header  map[string][]string `json:"header"`
	URL     string              `json:"url"`
	Secrets secrets             `json:"secrets"`
	Replies map[string]reply    `json:"replies"`
	Checked bool                `json:"checked"`
}

// What a server of somebody's own answers.
type reply struct {
	Status int                 `json:"status"`
	Header map[string][]string `json:"header"`
	Body   string              `json:"body"`
}

type delivered struct {
	Status  int              `json:"status"`
	Header  http.Header      `json:"header"`
	Body    string           `json:"body"`
	Created []map[string]any `json:"created"`
	Calls   []call           `json:"calls"`
	Said    []string         `json:"said"`
}

type call struct {
	URL    string      `json:"url"`
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
}

// The core interceptors behind their address, and the servers of `replies`.
type network struct {
	lock    sync.Mutex
	core    http.Handler
	replies map[string]reply
	calls   []call
}

func (n *network) RoundTrip(asked *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(asked.Body)
	got := httptest.NewRecorder()
	if strings.HasPrefix(asked.URL.Host, "tekton-triggers-core-interceptors.") {
		n.core.ServeHTTP(got, httptest.NewRequest(asked.Method, asked.URL.Path, bytes.NewReader(body)))
		return got.Result(), nil
	}
	n.lock.Lock()
	defer n.lock.Unlock()
	n.calls = append(n.calls, call{asked.URL.String(), asked.Header, string(body)})
	answer, found := n.replies[asked.URL.String()]
	if !found {
		return nil, fmt.Errorf("no such host")
	}
	for name, lines := range answer.Header {
		got.Header()[name] = lines
	}
	got.WriteHeader(answer.Status)
	got.WriteString(answer.Body)
	return got.Result(), nil
}

type anybody struct{}

func (anybody) OverrideAuthentication(_, _ string, _ *zap.SugaredLogger, found discovery.ServerResourcesInterface, client dynamic.Interface) (discovery.ServerResourcesInterface, dynamic.Interface, error) {
	return found, client, nil
}

func handled(asked *delivery) any {
	template.UUID = func() string { return "1234" }
	if _, err := sink.NewRecorder(); err != nil {
		panic(err)
	}
	core, err := server.NewWithCoreInterceptors(asked.Secrets, logger())
	if err != nil {
		panic(err)
	}
	net := &network{core: core, replies: asked.Replies}
	zapped, logged := observer.New(zap.DebugLevel)
	kube := kubefake.NewClientset()
	kube.Resources = []*metav1.APIResourceList{
		{GroupVersion: "v1", APIResources: []metav1.APIResource{{Name: "configmaps", Kind: "ConfigMap"}}},
		{GroupVersion: "tekton.dev/v1", APIResources: []metav1.APIResource{{Name: "taskruns", Kind: "TaskRun", Namespaced: true}}},
	}
	client := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{
			{Version: "v1", Resource: "configmaps"}:                    "ConfigMapList",
			{Group: "tekton.dev", Version: "v1", Resource: "taskruns"}: "TaskRunList",
		})
	var created []map[string]any
	var lock sync.Mutex
	client.PrependReactor("create", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		made := action.(clienttesting.CreateAction).GetObject().(*unstructured.Unstructured)
		lock.Lock()
		defer lock.Unlock()
		made.SetNamespace(action.GetNamespace())
		created = append(created, made.Object)
		return true, made, nil
	})
	kinds := map[string]cache.Indexer{}
	listed := func(kind string) cache.Indexer {
		if kinds[kind] == nil {
			kinds[kind] = cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
		}
		return kinds[kind]
	}
	for _, raw := range asked.Objects {
		kind, object := typed(raw)
		if err := listed(kind).Add(object); err != nil {
			panic(err)
		}
	}
	listener := sink.Sink{
		KubeClientSet:               kube,
		DiscoveryClient:             kube.Discovery(),
		DynamicClient:               client,
		HTTPClient:                  &http.Client{Transport: net},
		EventListenerName:           "listener",
		EventListenerNamespace:      "ns",
		Logger:                      zap.New(zapped).Sugar(),
		Auth:                        anybody{},
		PayloadValidation:           asked.Checked,
		WGProcessTriggers:           &sync.WaitGroup{},
		EventListenerLister:         listers.NewEventListenerLister(listed("EventListener")),
		TriggerLister:               listers.NewTriggerLister(listed("Trigger")),
		TriggerBindingLister:        listers.NewTriggerBindingLister(listed("TriggerBinding")),
		ClusterTriggerBindingLister: listers.NewClusterTriggerBindingLister(listed("ClusterTriggerBinding")),
		TriggerTemplateLister:       listers.NewTriggerTemplateLister(listed("TriggerTemplate")),
		ClusterInterceptorLister:    listersv1alpha1.NewClusterInterceptorLister(listed("ClusterInterceptor")),
		InterceptorLister:           listersv1alpha1.NewInterceptorLister(listed("Interceptor")),
	}
	sent := request(asked.URL, asked.Body)
	sent.Header = http.Header(asked.Header).Clone()
	got := httptest.NewRecorder()
	listener.IsValidPayload(http.HandlerFunc(listener.HandleEvent)).ServeHTTP(got, sent)
	listener.WGProcessTriggers.Wait()
	said := []string{}
	again := "problem creating obj"
	for _, entry := range logged.All() {
		if entry.Level == zap.ErrorLevel && !strings.HasPrefix(entry.Message, again) || strings.HasPrefix(entry.Message, "interceptor stopped") {
			said = append(said, entry.Message)
		}
	}
	sort.Strings(said)
	return delivered{got.Code, got.Result().Header, got.Body.String(), created, net.calls, said}
}

func typed(raw json.RawMessage) (string, runtime.Object) {
	var kind metav1.TypeMeta
	if err := json.Unmarshal(raw, &kind); err != nil {
		panic(err)
	}
	objects := map[string]runtime.Object{
		"EventListener":         &v1beta1.EventListener{},
		"Trigger":               &v1beta1.Trigger{},
		"TriggerBinding":        &v1beta1.TriggerBinding{},
		"ClusterTriggerBinding": &v1beta1.ClusterTriggerBinding{},
		"TriggerTemplate":       &v1beta1.TriggerTemplate{},
		"ClusterInterceptor":    &v1alpha1.ClusterInterceptor{},
		"Interceptor":           &v1alpha1.Interceptor{},
	}
	object := objects[kind.Kind]
	if err := json.Unmarshal(raw, object); err != nil {
		panic(err)
	}
	return kind.Kind, object
}
