package main

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/gocty"
)

// labelled stands for the member that a block's label fills; it is no name that a file can have.
const labelled = "\x00label"

var duration = reflect.TypeOf(time.Duration(0))

// decode fills a struct from a block by the "hcl" tags of its members; every name must be one of them.
func decode(block *hclsyntax.Block, context *hcl.EvalContext, into any) error {
	value := reflect.ValueOf(into).Elem()
	if value.Kind() == reflect.Map {
		return decodeMap(block, context, value)
	}
	members := tagged(value)
	label, there := members[labelled]
	if !there {
		label, there = members["name"]
	}
	if there && len(block.Labels) > 0 {
		if err := assign(label, cty.StringVal(block.Labels[0])); err != nil {
			return err
		}
	}
	for name, attribute := range block.Body.Attributes {
		member, there := members[name]
		if !there {
			return fmt.Errorf("%s: %s has no %q", attribute.SrcRange, block.Type, name)
		}
		found, diagnostics := attribute.Expr.Value(context)
		if diagnostics.HasErrors() {
			return diagnostics
		}
		if err := assign(member, found); err != nil {
			return fmt.Errorf("%s: %s: %w", attribute.SrcRange, name, err)
		}
	}
	for _, inner := range block.Body.Blocks {
		member, there := members[inner.Type]
		if !there {
			return fmt.Errorf("%s: %s has no %q", inner.TypeRange, block.Type, inner.Type)
		}
		if err := decodeInner(inner, context, member); err != nil {
			return err
		}
	}
	return nil
}

// decodeInner adds a block to a member: a struct, a map, or a list or a map of structs.
func decodeInner(block *hclsyntax.Block, context *hcl.EvalContext, member reflect.Value) error {
	switch {
	case member.Kind() == reflect.Slice:
		made := reflect.New(plain(member.Type().Elem()))
		if err := decode(block, context, made.Interface()); err != nil {
			return err
		}
		if member.Type().Elem().Kind() != reflect.Pointer {
			made = made.Elem()
		}
		member.Set(reflect.Append(member, made))
		return nil
	case member.Kind() == reflect.Map && plain(member.Type().Elem()).Kind() == reflect.Struct:
		made := reflect.New(plain(member.Type().Elem()))
		if err := decode(block, context, made.Interface()); err != nil {
			return err
		}
		if member.IsNil() {
			member.Set(reflect.MakeMap(member.Type()))
		}
		member.SetMapIndex(reflect.ValueOf(block.Labels[0]), made)
		return nil
	case member.Kind() == reflect.Pointer:
		member.Set(reflect.New(member.Type().Elem()))
		return decode(block, context, member.Interface())
	}
	return decode(block, context, member.Addr().Interface())
}

// decodeMap fills a map of strings, or of whatever the driver understands.
func decodeMap(block *hclsyntax.Block, context *hcl.EvalContext, into reflect.Value) error {
	into.Set(reflect.MakeMap(into.Type()))
	for name, attribute := range block.Body.Attributes {
		found, diagnostics := attribute.Expr.Value(context)
		if diagnostics.HasErrors() {
			return diagnostics
		}
		var plainValue any = fmt.Sprint(found.GoString())
		if found.Type() == cty.String {
			plainValue = found.AsString()
		}
		into.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(plainValue))
	}
	return nil
}

// tagged returns the members of a struct by the names in their tags.
func tagged(value reflect.Value) map[string]reflect.Value {
	members := map[string]reflect.Value{}
	for index := range value.NumField() {
		name, kind, _ := strings.Cut(value.Type().Field(index).Tag.Get("hcl"), ",")
		if kind == "label" {
			name = labelled
		}
		if name != "" && name != "-" {
			members[name] = value.Field(index)
		}
	}
	return members
}

func plain(kind reflect.Type) reflect.Type {
	if kind.Kind() == reflect.Pointer {
		return kind.Elem()
	}
	return kind
}

// assign sets a member; times are written as text.
func assign(member reflect.Value, value cty.Value) error {
	if plain(member.Type()) != duration {
		if value.Type().IsTupleType() {
			value = cty.ListVal(value.AsValueSlice())
		}
		return gocty.FromCtyValue(value, member.Addr().Interface())
	}
	parsed, err := time.ParseDuration(value.AsString())
	if err != nil {
		return err
	}
	made := reflect.ValueOf(&parsed)
	if member.Kind() != reflect.Pointer {
		made = made.Elem()
	}
	member.Set(made)
	return nil
}
