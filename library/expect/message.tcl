# message.tcl --
#
#	decode and encode: messages as dicts and as bytes, by the tables of
#	handshake.tcl and extension.tcl.
#
#	A message has several forms where it looks different by the version of
#	the protocol or the key exchange.  Then the dict has these too, as
#	version and key_exchange, and so it can be encoded again.

if {[namespace which ::pyossl::expect::wire::Get] eq ""} {
    source -encoding utf-8 [file join [file dirname [info script]] wire.tcl]
}
source -encoding utf-8 [file join [file dirname [info script]] extension.tcl]
source -encoding utf-8 [file join [file dirname [info script]] handshake.tcl]

#------------------------------------------------------------------------
# Names and framing
#------------------------------------------------------------------------

# message::nameOf bytes
#
#	The name of a handshake message, without decoding it.
#
# Arguments:
#	bytes	The message with its head of four bytes.
# Results:
#	Its RFC's name; the name in the registry, or the number of the type, of
#	one that the codec has no row for; empty if there is no byte.
# Source:
#	RFC 8446, 4 and 4.1.3
proc ::pyossl::expect::message::nameOf {bytes} {
    variable byType
    variable retry
    if {![binary scan $bytes cu type]} {
	return ""
    }
    if {$type == 2 && [string range $bytes 6 37] eq $retry} {
	return HelloRetryRequest
    }
    if {[info exists byType($type)]} {
	return $byType($type)
    }
    return [[namespace parent]::names::name handshake_type $type]
}

# message::names -- all names that encode takes.
proc ::pyossl::expect::message::names {} {
    variable rows
    return [dict keys $rows]
}

# message::split bufferVar
#
#	Takes the complete handshake messages from the beginning of a buffer,
#	to which the fragments of handshake records have been appended.
#
# Arguments:
#	bufferVar	The name of a variable in the caller; what is left in
#		it is the beginning of a message.
# Results:
#	A list of messages, each with its head.
# Source:
#	RFC 8446, 4 and 5.1
proc ::pyossl::expect::message::split {bufferVar} {
    upvar 1 $bufferVar buffer
    set result {}
    set at 0
    set size [string length $buffer]
    while {$at + 4 <= $size} {
	binary scan $buffer @${at}cucuSu type high low
	set end [expr {$at + 4 + ($high << 16 | $low)}]
	if {$end > $size} {
	    break
	}
	lappend result [string range $buffer $at $end-1]
	set at $end
    }
    if {$at > 0} {
	set buffer [string range $buffer $at end]
    }
    return $result
}

# message::negotiated bytes
#
#	What a ServerHello settles, for decoding the messages behind it.
#
# Arguments:
#	bytes	The ServerHello, or a HelloRetryRequest.
# Results:
#	Options of [decode]: -version and -cipher.
# Errors:
#	As [decode]'s.
# Source:
#	RFC 8446, 4.1.3 and 4.2.1
proc ::pyossl::expect::message::negotiated {bytes} {
    set hello [[namespace parent]::decode $bytes]
    set version [dict get $hello legacy_version]
    foreach extension [dict get $hello extensions] {
	if {[dict exists $extension selected_version]} {
	    set version [dict get $extension selected_version]
	}
    }
    return [list -version $version -cipher [dict get $hello cipher_suite]]
}

# message::keyExchange suite --
#	What the key exchange of a cipher suite is called in the tables; the
#	suite is a number, a name of the registry, or OpenSSL's name.
proc ::pyossl::expect::message::keyExchange {suite} {
    set name [[namespace parent]::names::name cipher_suite $suite]
    set registered [string match TLS_* $name]
    if {!$registered} {
	set name TLS_[string map {- _} $name]
    }
    foreach {pattern exchange} {
	TLS_ECDHE_PSK_* ecdhe_psk
	TLS_DHE_PSK_* dhe_psk
	TLS_PSK_DHE_* dhe_psk
	TLS_RSA_PSK_* rsa_psk
	TLS_PSK_* psk
	TLS_ECDHE_* ecdhe
	TLS_ECDH_anon_* ecdh_anon
	TLS_AECDH_* ecdh_anon
	TLS_ECDH_* ecdh
	TLS_DHE_* dhe
	TLS_EDH_* dhe
	TLS_DH_anon_* dh_anon
	TLS_ADH_* dh_anon
	TLS_DH_* dh
	TLS_SRP_SHA_RSA_* srp
	TLS_SRP_SHA_DSS_* srp
	TLS_SRP_RSA_* srp
	TLS_SRP_DSS_* srp
	TLS_SRP_* srp_anon
	TLS_RSA_EXPORT_* rsa_export
	TLS_RSA_* rsa
	TLS_KRB5_* unknown
	TLS_GOST* unknown
	TLS_ECCPWD_* unknown
    } {
	if {[string match $pattern $name]} {
	    return $exchange
	}
    }
    # The others of the registry are for TLS 1.3; OpenSSL does not name RSA.
    return [expr {$registered || [string is entier -strict $suite] ? ""
	: "rsa"}]
}

#------------------------------------------------------------------------
# decode
#------------------------------------------------------------------------

# decode bytes ?-option value ...?
#
#	A message as a dict.
#
# Arguments:
#	bytes	A handshake message with its head of four bytes, and no more.
#	-record TYPE	The type of the record it stood in: handshake (default),
#		alert, change_cipher_spec, heartbeat or application_data.
#	-version V, -cipher SUITE, -key_exchange NAME
#		What is known of the connection, for those messages that look
#		different by it. Without, it is found out from the bytes, as far
#		as they tell.
#	-strict BOOL	If true, an extension that is not as it should be is an
#		error. Else its bytes are kept in extension_data.
# Results:
#	A dict: name, the fields by their RFC's names, and version and
#	key_exchange where they decide what the message looks like. [encode] of
#	its name and itself gives the same bytes again.
# Errors:
#	PYOSSL EXPECT DECODE OFFSET if lengths do not fit or bytes are missing
#	or left over; the message says at which field. TCL LOOKUP INDEX for an
#	option there is not.
# Source:
#	RFC 8446, RFC 5246, and those of the extensions
proc ::pyossl::expect::decode {args} {
    set options [message::Options $args]
    set bytes [lindex $args 0]
    if {[regexp {[^\u0000-\u00ff]} $bytes]} {
	wire::Bad bytes "a character above U+00FF is no byte"
    }
    set extension::strict [dict get $options -strict]
    wire::start $bytes
    set end [string length $bytes]
    set record [dict get $options -record]
    if {$record ne "handshake"} {
	if {![dict exists $message::records $record]} {
	    wire::Fail 0 record "nothing is known of records of type\
		\"$record\""
	}
	set name [dict get $message::records $record]
	return [message::Decode $name $end $options]
    }
    wire::Number 1 $end msg_type
    set stop [wire::Stop 3 $end length]
    if {$stop < $end} {
	wire::Fail $stop message "[wire::Plural [expr {$end - $stop}]]\
	    left over behind it"
    }
    set name [message::nameOf $bytes]
    if {![dict exists $message::rows $name]} {
	return [list name $name body [string range $bytes 4 end]]
    }
    return [message::Decode $name $end $options]
}

# The options among the words of decode, with names made numbers and back.
proc ::pyossl::expect::message::Options {words} {
    set options {-record handshake -version {} -cipher {} -key_exchange {}
	-strict 0}
    if {[llength $words] % 2 == 0} {
	return -code error -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"decode bytes ?-option value ...?\""
    }
    foreach {option value} [lrange $words 1 end] {
	set option [tcl::prefix match -message option [dict keys $options] \
	    $option]
	dict set options $option $value
    }
    set names [namespace parent]::names
    foreach {option registry} {-record content_type -version version} {
	set value [dict get $options $option]
	if {$value ne ""} {
	    dict set options $option [${names}::name $registry \
		[${names}::code $registry $value]]
	}
    }
    if {![string is boolean -strict [dict get $options -strict]]} {
	return -code error -errorcode {TCL VALUE NUMBER} \
	    "expected boolean value but got\
	    \"[dict get $options -strict]\""
    }
    if {[dict get $options -key_exchange] eq ""
	    && [dict get $options -cipher] ne ""} {
	dict set options -key_exchange \
	    [keyExchange [dict get $options -cipher]]
    }
    return $options
}

# Fits hints version exchange --
#	Is a form for them?  What is not known fits all.
proc ::pyossl::expect::message::Fits {hints version exchange} {
    foreach {hint value} [list version $version key_exchange $exchange] {
	if {$value ne "" && [dict exists $hints $hint]
		&& $value ni [dict get $hints $hint]} {
	    return 0
	}
    }
    return 1
}

# Decode name end options --
#	Tries the forms of a message that the hints allow.  The error is that of
#	the first one, which is the usual one.
proc ::pyossl::expect::message::Decode {name end options} {
    variable rows
    set wire [namespace parent]::wire
    upvar #0 ${wire}::at at
    set start $at
    set version [dict get $options -version]
    set exchange [dict get $options -key_exchange]
    set wrong ""
    foreach {hints fields} [lindex [dict get $rows $name] 1] {
	if {![Fits $hints $version $exchange] || ($exchange eq ""
		&& [dict exists $hints guess] && ![dict get $hints guess])} {
	    continue
	}
	set result [list name $name]
	foreach {hint value} [list version $version key_exchange $exchange] {
	    if {[dict exists $hints $hint]} {
		lappend result $hint [expr {$value ne "" ? $value
		    : [lindex [dict get $hints $hint] 0]}]
	    }
	}
	set at $start
	try {
	    ${wire}::Fields $fields $end "" result
	    ${wire}::Finished $end body
	    if {$version eq "" && [dict exists $hints filled]
		    && [dict get $result [dict get $hints filled]] eq ""} {
		continue
	    }
	    return $result
	} trap {PYOSSL EXPECT DECODE} {message info} {
	    if {$wrong eq ""} {
		set wrong $message
		set code [dict get $info -errorcode]
	    }
	}
    }
    if {$wrong eq ""} {
	# The hints are of a version or key exchange without this message.
	return [list name $name body [string range [set ${wire}::data] \
	    $start end]]
    }
    return -code error -errorcode $code "$name: $wrong"
}

#------------------------------------------------------------------------
# encode
#------------------------------------------------------------------------

# encode name ?fields?
#
#	The bytes of a message.
#
# Arguments:
#	name	The name of a message, or the name or number of a handshake type.
#	fields	A dict of its fields, as [decode] gives it. What is left out is
#		given a sane value: "encode ClientHello" is one that a server
#		answers. In the place of a field F may stand F_bytes (what goes
#		behind its length), F_length (what its length says) or F_wire
#		(all of it); trailing_bytes go behind the last field; body is
#		all behind the head; msg_type and length stand in the head.
# Results:
#	Bytes: a handshake message with its head of four bytes, or what goes in
#	a record of another type.
# Errors:
#	PYOSSL EXPECT ENCODE FIELD if a name is unknown, or a value does not fit.
# Source:
#	RFC 8446, RFC 5246, and those of the extensions
proc ::pyossl::expect::encode {name {fields {}}} {
    if {[catch {dict size $fields}]} {
	wire::Bad $name "\"[wire::Short $fields]\" is no dict"
    }
    lassign [message::Find $name] name type
    set common {name version key_exchange body msg_type length}
    if {[dict exists $fields body]} {
	set body [wire::Raw [dict get $fields body] body]
    } else {
	set body [message::Body $name $fields $common]
    }
    if {$type eq ""} {
	return $body
    }
    if {[dict exists $fields msg_type]} {
	set type [dict get $fields msg_type]
    }
    set length {}
    if {[dict exists $fields length]} {
	set length [dict get $fields length]
    }
    return [wire::Code 1 handshake_type $type msg_type][wire::Prefixed 3 \
	$body $length length]
}

# Find name -- {name type} of a message, by any of its names.
proc ::pyossl::expect::message::Find {name} {
    variable rows
    variable byType
    if {[dict exists $rows $name]} {
	return [list $name [lindex [dict get $rows $name] 0]]
    }
    set wire [namespace parent]::wire
    set names [namespace parent]::names
    if {![string is entier -strict $name]
	    && ![${names}::known handshake_type $name]} {
	${wire}::Bad name "there is no message\
	    \"[${wire}::Short $name]\"[${names}::Similar $name \
	    [dict keys $rows]]"
    }
    set type [${names}::code handshake_type $name]
    if {[info exists byType($type)]} {
	return [list $byType($type) $type]
    }
    return [list $name $type]
}

# Body name fields common --
#	Encodes the fields of a message in the form that they are for: by their
#	hints, then by their keys, then by what can be encoded.
proc ::pyossl::expect::message::Body {name fields common} {
    set wire [namespace parent]::wire
    set forms [Forms $name $fields $common]
    foreach form $forms {
	try {
	    return [${wire}::Struct $form $fields "" $common]
	} trap {PYOSSL EXPECT ENCODE} {message info} {
	    if {![info exists wrong]} {
		set wrong $message
		set options $info
	    }
	}
    }
    return -options $options $wrong
}

# Forms name fields common --
#	The forms that know all the fields; the usual one if none does.
proc ::pyossl::expect::message::Forms {name fields common} {
    variable rows
    if {![dict exists $rows $name]} {
	return {{}}
    }
    set forms [lindex [dict get $rows $name] 1]
    if {[llength $forms] == 2} {
	return [list [lindex $forms 1]]
    }
    set wire [namespace parent]::wire
    set version {}
    set exchange {}
    if {[dict exists $fields version]} {
	set names [namespace parent]::names
	try {
	    set version [${names}::name version [${names}::code version \
		[dict get $fields version]]]
	} trap {PYOSSL EXPECT NAME} {message} {
	    ${wire}::Bad version $message
	}
    }
    if {[dict exists $fields key_exchange]} {
	set exchange [dict get $fields key_exchange]
    }
    lappend common trailing_bytes
    set usual {}
    set result {}
    foreach {hints form} $forms {
	if {![Fits $hints $version $exchange]} {
	    continue
	}
	lappend usual $form
	if {[${wire}::Knows $form [dict keys $fields] $common]} {
	    lappend result $form
	}
    }
    if {[llength $result]} {
	return $result
    }
    return [list [lindex $usual 0]]
}
