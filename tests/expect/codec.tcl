# codec.tcl --
#
#	Messages for the tests of the codec: those of real handshakes, and made
#	ones.  Sourced after common.tcl and pairs.tcl.
#
#	codec::record SCRIPT	the messages of the handshakes that a script does
#			with contexts from [codec::ctx]
#	codec::ctx SIDE ?NAME?	a context that records what its connections send
#			and get: {type bytes version} of each message
#	codec::faults MESSAGES ?OPTION VALUE ...?	those for which encode is not
#			the inverse of decode, and what is not understood in them
#	codec::seed N		restarts the generator of made messages
#	codec::generate FIELDS	a dict for a table of fields, and what of it

namespace eval codec {
    variable seen {}	;# what the contexts have recorded
    variable state 1	;# of the generator
}

#------------------------------------------------------------------------
# Messages of real handshakes
#------------------------------------------------------------------------

proc codec::ctx {side {name ""}} {
    if {$side eq "client"} {
	set ctx [clientctx]
	if {$name ne ""} {
	    $ctx use_certificate_chain_file [certfile $name.pem]
	    $ctx use_privatekey_file [certfile $name.key]
	}
    } else {
	set ctx [serverctx {*}$name]
    }
    $ctx set_security_level 0
    $ctx set_msg_callback ::codec::note
    return $ctx
}

proc codec::note {conn direction version type bytes} {
    variable seen
    # The heads of records are not messages.
    if {$type < 256} {
	lappend seen [list $type $bytes]
    }
}

# Every message once, in the order in which they came.
proc codec::record {script} {
    variable seen
    set seen {}
    uplevel 1 $script
    set result $seen
    set seen {}
    return [lsort -unique $result]
}

# names messages -- the names of handshake messages among them.
proc codec::names {messages} {
    set names {}
    foreach message $messages {
	lassign $message type bytes
	if {$type == 22} {
	    lappend names [pyossl::expect::message::nameOf $bytes]
	}
    }
    return [lsort -unique $names]
}

# faults messages ?option value ...? --
#	What is wrong: a line for each message that does not come back as it
#	was, cannot be decoded, or has an extension that is not understood.
proc codec::faults {messages args} {
    set wrong {}
    foreach message $messages {
	lassign $message type bytes
	set fault [fault $bytes -record $type {*}$args]
	if {$fault ne ""} {
	    lappend wrong $fault
	}
    }
    return $wrong
}

proc codec::fault {bytes args} {
    if {[catch {pyossl::expect::decode $bytes {*}$args} dict info]} {
	return "decode [shown $bytes]: $dict [dict get $info -errorcode]"
    }
    set name [dict get $dict name]
    if {[catch {pyossl::expect::encode $name $dict} again]} {
	return "encode $name: $again"
    }
    if {$again ne $bytes} {
	return "$name [shown $bytes] became [shown $again]"
    }
    if {[regexp {\yextension_data\y} $dict]} {
	foreach extension [extensions $dict] {
	    if {[dict exists $extension error]} {
		return "$name: [dict get $extension error]"
	    }
	}
    }
    return ""
}

# unsound bytes ?option value ...? --
#	Bytes that may be wrong: why neither of the two things comes out of
#	decode that may, an error with an offset or something whole.  A list,
#	empty if all is well.
proc codec::unsound {bytes args} {
    if {[catch {pyossl::expect::decode $bytes {*}$args} dict info]} {
	lassign [dict get $info -errorcode] a b c offset
	if {"$a $b $c" ne "PYOSSL EXPECT DECODE"
		|| ![string is integer -strict $offset] || $offset < 0
		|| $offset > [string length $bytes]
		|| [string match *\n* $dict]} {
	    return [list "[shown $bytes]: $dict ([dict get $info -errorcode])"]
	}
	return ""
    }
    if {[catch {pyossl::expect::encode [dict get $dict name] $dict} again]} {
	return [list "[shown $bytes]: encode: $again"]
    }
    if {$again ne $bytes} {
	return [list "[shown $bytes] became [shown $again]"]
    }
    return ""
}

# All the extensions of a message, also those of certificates.
proc codec::extensions {dict} {
    set result {}
    if {[dict exists $dict extensions]} {
	lappend result {*}[dict get $dict extensions]
    }
    if {[dict get $dict name] eq "Certificate"
	    && [dict exists $dict certificate_request_context]} {
	foreach entry [dict get $dict certificate_list] {
	    lappend result {*}[dict get $entry extensions]
	}
    }
    return $result
}

# extension dict type -- the one of that type.
proc codec::extension {dict type} {
    foreach extension [extensions $dict] {
	if {[dict get $extension extension_type] eq $type} {
	    return $extension
	}
    }
    return {}
}

proc codec::shown {bytes} {
    set hex [binary encode hex $bytes]
    if {[string length $hex] > 200} {
	return [string range $hex 0 199]...
    }
    return $hex
}

#------------------------------------------------------------------------
# Made messages
#------------------------------------------------------------------------

proc codec::seed {number} {
    variable state $number
}

# A number from 0 to limit-1; the generator of Park and Miller.
proc codec::below {limit} {
    variable state
    set state [expr {$state * 48271 % 2147483647}]
    return [expr {$state % $limit}]
}

proc codec::bytes {count} {
    set codes {}
    for {set i 0} {$i < $count} {incr i} {
	lappend codes [below 256]
    }
    return [binary format c* $codes]
}

# A code of a registry by its name, or now and then one that has none.
proc codec::code {registry width} {
    if {[below 4]} {
	set table [pyossl::expect::names::table $registry]
	return [lindex $table [expr {2 * [below [expr {
	    [llength $table] / 2}]] + 1}]]
    }
    return [pyossl::expect::names::name $registry [below [expr {
	1 << (8 * $width)}]]]
}

proc codec::generate {fields} {
    set result {}
    foreach field $fields {
	lassign $field name type cases
	if {$name eq "?"} {
	    set value [dict get $result $type]
	    if {![dict exists $cases $value] && ![dict exists $cases *]} {
		set value [lindex [dict keys $cases] [below \
		    [dict size $cases]]]
		dict set result $type $value
	    }
	    set more [expr {[dict exists $cases $value]
		? [dict get $cases $value] : [dict get $cases *]}]
	    set result [concat $result [generate $more]]
	} elseif {[lindex $type 0] eq "optional"} {
	    set value [value [lindex $type 1]]
	    lappend result $name $value
	    if {[llength $value] == 0 && [below 2]} {
		lappend result ${name}_wire {}
	    }
	} else {
	    lappend result $name [value $type]
	}
    }
    return $result
}

proc codec::value {type} {
    lassign $type kind inner
    switch -- $kind {
	u8 {
	    return [below 256]
	}
	u16 {
	    return [below 65536]
	}
	u24 {
	    return [below 16777216]
	}
	u32 {
	    return [expr {[below 65536] << 16 | [below 65536]}]
	}
	code8 {
	    return [code $inner 1]
	}
	code16 {
	    return [code $inner 2]
	}
	bytes {
	    return [bytes $inner]
	}
	opaque8 - opaque16 - opaquev - rest {
	    return [bytes [below 40]]
	}
	opaque24 {
	    # An empty one would look like an empty list of them.
	    return [bytes [expr {1 + [below 40]}]]
	}
	list8 - list16 - list24 - all {
	    set result {}
	    for {set i [below 5]} {$i > 0} {incr i -1} {
		lappend result [value $inner]
	    }
	    return $result
	}
	sized16 {
	    return [value $inner]
	}
	struct {
	    return [generate $inner]
	}
	codev {
	    return [pyossl::expect::names::name $inner [expr {
		[below 65536] >> [below 16]}]]
	}
	extension {
	    return [anExtension $inner]
	}
    }
    error "codec.tcl cannot make a $type"
}

# An extension for a message: one of its own, or of an unknown type.
proc codec::anExtension {context} {
    if {![below 6]} {
	return [list extension_type [expr {60000 + [below 1000]}] \
	    extension_data [bytes [below 20]]]
    }
    while {1} {
	set name [code extension 2]
	set forms [pyossl::expect::extension::Forms \
	    [pyossl::expect::names::code extension $name] $context]
	if {[llength $forms]} {
	    set form [lindex $forms [below [llength $forms]]]
	    return [concat [list extension_type $name] [generate $form]]
	}
    }
}
