// Writes SDKs for the schema that it reads from standard input, with Pulumi's own generators: what `pulumi package gen-sdk` asks of
// the language hosts for Node and Python, whose sources are in no registry. The argument is the folder to write to.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

type generator func(*schema.Package) (map[string][]byte, error)

func main() {
	generators := map[string]generator{
		"nodejs": func(pkg *schema.Package) (map[string][]byte, error) {
			return nodejs.GeneratePackage("pulumi", pkg, nil, nil, false, nil)
		},
		"python": func(pkg *schema.Package) (map[string][]byte, error) {
			return python.GeneratePackage("pulumi", pkg, nil, nil)
		},
	}
	for language, generate := range generators {
		if err := write(filepath.Join(os.Args[1], language), generate); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", language, err)
			os.Exit(1)
		}
	}
}

var spec *schema.PackageSpec

func bound() (*schema.Package, error) {
	if spec == nil {
		spec = &schema.PackageSpec{}
		if err := json.NewDecoder(os.Stdin).Decode(spec); err != nil {
			return nil, err
		}
	}
	pkg, diagnostics, err := schema.BindSpec(*spec, schema.NewNullLoader(), schema.ValidationOptions{})
	if err == nil && diagnostics.HasErrors() {
		err = diagnostics
	}
	return pkg, err
}

func write(folder string, generate generator) error {
	pkg, err := bound()
	if err != nil {
		return err
	}
	files, err := generate(pkg)
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
