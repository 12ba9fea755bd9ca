// Takes github.com/ory/kratos-client-go through its journeys, and prints one line for each way.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"runtime/debug"
	"strings"

	kratos "github.com/ory/kratos-client-go"
)

var server = os.Getenv("ZELUS_PUBLIC_URL")

// client has cookies of its own when it is given a jar, as a browser does.
func client(jar http.CookieJar) kratos.FrontendAPI {
	configuration := kratos.NewConfiguration()
	configuration.Servers = kratos.ServerConfigurations{{URL: server}}
	configuration.HTTPClient = &http.Client{Jar: jar}
	return kratos.NewAPIClient(configuration).FrontendAPI
}

func registration(email, csrfToken string) kratos.UpdateRegistrationFlowBody {
	method := kratos.NewUpdateRegistrationFlowWithPasswordMethod(
		"password", rand.Text()+"-Aa1", map[string]any{"email": email})
	if csrfToken != "" {
		method.SetCsrfToken(csrfToken)
	}
	return kratos.UpdateRegistrationFlowWithPasswordMethodAsUpdateRegistrationFlowBody(method)
}

func csrfToken(flow *kratos.RegistrationFlow) string {
	for _, node := range flow.Ui.Nodes {
		if input := node.Attributes.UiNodeInputAttributes; input != nil && input.Name == "csrf_token" {
			return fmt.Sprint(input.Value)
		}
	}
	return ""
}

// signedIn checks that the session belongs to the person.
func signedIn(request kratos.FrontendAPIToSessionRequest, email string) error {
	session, _, err := request.Execute()
	if err != nil {
		return fmt.Errorf("whoami: %w", err)
	}
	if traits, _ := session.Identity.Traits.(map[string]any); traits["email"] != email {
		return fmt.Errorf("whoami tells of %v in place of %s", traits, email)
	}
	return nil
}

// signedOut checks that whoami is answered 401.
func signedOut(request kratos.FrontendAPIToSessionRequest) error {
	_, answer, err := request.Execute()
	switch {
	case err == nil:
		return errors.New("still signed in")
	case answer == nil:
		return err
	case answer.StatusCode != http.StatusUnauthorized:
		return fmt.Errorf("whoami is answered %s in place of 401", answer.Status)
	}
	return nil
}

func nativeToken(ctx context.Context, email string) error {
	api := client(nil)
	flow, _, err := api.CreateNativeRegistrationFlow(ctx).Execute()
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	done, _, err := api.UpdateRegistrationFlow(ctx).Flow(flow.Id).UpdateRegistrationFlowBody(registration(email, "")).Execute()
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	whoami := api.ToSession(ctx).XSessionToken(done.GetSessionToken())
	if err := signedIn(whoami, email); err != nil {
		return err
	}
	body := *kratos.NewPerformNativeLogoutBody(done.GetSessionToken())
	if _, err := api.PerformNativeLogout(ctx).PerformNativeLogoutBody(body).Execute(); err != nil {
		return fmt.Errorf("log out: %w", err)
	}
	return signedOut(whoami)
}

// registerInBrowser leaves the session in the jar, and gives back a client that uses the jar.
func registerInBrowser(ctx context.Context, jar http.CookieJar, email string) (kratos.FrontendAPI, error) {
	api := client(jar)
	flow, _, err := api.CreateBrowserRegistrationFlow(ctx).Execute()
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	body := registration(email, csrfToken(flow))
	if _, _, err = api.UpdateRegistrationFlow(ctx).Flow(flow.Id).UpdateRegistrationFlowBody(body).Execute(); err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	return api, nil
}

func cookiesInBrowser(ctx context.Context, email string) error {
	jar, _ := cookiejar.New(nil)
	api, err := registerInBrowser(ctx, jar, email)
	if err != nil {
		return err
	}
	if err := signedIn(api.ToSession(ctx), email); err != nil {
		return err
	}
	logout, _, err := api.CreateBrowserLogoutFlow(ctx).Execute()
	if err != nil {
		return fmt.Errorf("create the logout URL: %w", err)
	}
	if _, err := api.UpdateLogoutFlow(ctx).Token(logout.LogoutToken).Execute(); err != nil {
		return fmt.Errorf("log out: %w", err)
	}
	return signedOut(api.ToSession(ctx))
}

// forwardedCookie is what a Go web app does for its visitor.
func forwardedCookie(ctx context.Context, email string) error {
	jar, _ := cookiejar.New(nil)
	if _, err := registerInBrowser(ctx, jar, email); err != nil {
		return err
	}
	address, _ := url.Parse(server)
	var pairs []string
	for _, cookie := range jar.Cookies(address) {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	cookie := strings.Join(pairs, "; ")

	api := client(nil)
	if err := signedIn(api.ToSession(ctx).Cookie(cookie), email); err != nil {
		return err
	}
	logout, _, err := api.CreateBrowserLogoutFlow(ctx).Cookie(cookie).Execute()
	if err != nil {
		return fmt.Errorf("create the logout URL: %w", err)
	}
	if _, err := api.UpdateLogoutFlow(ctx).Token(logout.LogoutToken).Cookie(cookie).Execute(); err != nil {
		return fmt.Errorf("log out: %w", err)
	}
	return signedOut(api.ToSession(ctx).Cookie(cookie))
}

// sdk is the client's module and version, as the build recorded it.
func sdk() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if strings.HasSuffix(module.Path, "/kratos-client-go") {
			return "Go " + module.Path + " " + module.Version
		}
	}
	return "Go kratos-client-go"
}

func main() {
	failed := false
	for _, way := range []struct {
		name    string
		journey func(context.Context, string) error
	}{
		{"native token", nativeToken},
		{"cookies in a browser", cookiesInBrowser},
		{"forwarded cookie", forwardedCookie},
	} {
		email := strings.ToLower(rand.Text()) + "@example.org"
		if err := way.journey(context.Background(), email); err != nil {
			failed = true
			fmt.Printf("not ok - %s, %s: %v\n", sdk(), way.name, err)
			continue
		}
		fmt.Printf("ok - %s, %s\n", sdk(), way.name)
	}
	if failed {
		os.Exit(1)
	}
}
