# target-codec.tcl --
#
#	The codec of the test harness (doc/codec.man).  Whatever comes in, decode
#	gives something of which encode makes the same bytes, or an error with an
#	offset; and encode gives bytes, or an error that names a field.

package require pyossl::expect

namespace eval fuzz {
    variable forms {}	;# names of messages
}

# codec bytes -- any bytes, as a message with any options.
proc fuzz::codec {bytes} {
    set setup [byte]
    set options {}
    if {$setup & 1} {
	lappend options -version [pick {TLSv1.3 TLSv1.2 TLSv1.1 TLSv1 SSLv3}]
    }
    if {$setup & 2} {
	lappend options -key_exchange [pick {
	    ecdhe dhe rsa psk dhe_psk ecdhe_psk rsa_psk srp ecdh dh rsa_export
	    ecdh_anon dh_anon srp_anon none
	}]
    }
    if {$setup & 4} {
	lappend options -record [pick {alert change_cipher_spec heartbeat
	    application_data handshake}]
    }
    if {$setup & 8} {
	lappend options -strict 1
    }
    if {$setup & 16} {
	# The head is right: what is left, behind the type.
	set type [take 1]
	set body [rest]
	set message [expr {$type eq "" ? "\0" : $type}][string range \
		[binary format I [string length $body]] 1 3]$body
    } else {
	set message [rest]
    }
    sound $message {*}$options
    if {$setup & 32} {
	pieces $message
    }
}

# Either an error with an offset, or the same bytes again.
proc fuzz::sound {message args} {
    if {[catch {pyossl::expect::decode $message {*}$args} dict info]} {
	set code [dict get $info -errorcode]
	if {[lrange $code 0 1] ne {PYOSSL EXPECT} || [string match *\n* $dict]} {
	    return -options $info $dict
	}
	lassign $code - - kind offset
	if {$kind eq "DECODE" && (![string is integer -strict $offset]
		|| $offset < 0 || $offset > [string length $message])} {
	    return -code error "an offset of $offset: $dict"
	}
	mark "decode $kind [regsub -all {\d+} $dict #]"
	return ""
    }
    mark "decoded [dict get $dict name] [lsort [dict keys $dict]]"
    if {[dict exists $dict extensions]} {
	foreach extension [dict get $dict extensions] {
	    mark "extension [dict get $extension extension_type] [dict keys $extension]"
	}
    }
    set again [pyossl::expect::encode [dict get $dict name] $dict]
    if {$again ne $message} {
	return -code error "$dict became [binary encode hex $again]"
    }
    return $dict
}

# The bytes as a stream: records, and messages in them.
proc fuzz::pieces {bytes} {
    set buffer $bytes
    set fragments ""
    set whole ""
    foreach record [pyossl::expect::record::split buffer] {
	append whole [pyossl::expect::record::bytes $record]
	append fragments [dict get $record fragment]
    }
    if {"$whole$buffer" ne $bytes} {
	return -code error "the records are not what they were"
    }
    set whole ""
    set left $fragments
    foreach message [pyossl::expect::message::split left] {
	mark "message [pyossl::expect::message::nameOf $message]"
	append whole $message
	sound $message
    }
    if {"$whole$left" ne $fragments} {
	return -code error "the messages are not what they were"
    }
}

# fields bytes -- a message whose fields are changed, and those inside them.
proc fuzz::fields {bytes} {
    variable forms
    if {$forms eq ""} {
	set forms [lsort [pyossl::expect::message::names]]
    }
    set name [pick $forms]
    if {[catch {
	pyossl::expect::decode [pyossl::expect::encode $name]
    } dict]} {
	# Those that are no handshake message begin with nothing.
	set dict {}
    }
    for {set i 0} {$i < 8 && [more]} {incr i} {
	set key [pick [concat [dict keys $dict] {
	    extensions version key_exchange body length msg_type trailing_bytes
	    cipher_suites random legacy_session_id
	}]][pick {"" "" _bytes _length _wire}]
	dict set dict $key [value]
    }
    if {[catch {pyossl::expect::encode $name $dict} message info]} {
	set code [dict get $info -errorcode]
	if {[lrange $code 0 2] ne {PYOSSL EXPECT ENCODE}} {
	    return -options $info $message
	}
	mark "encode $name [lindex $code 3] [regsub -all {"[^"]*"|[^a-z ]} $message #]"
	return
    }
    mark "encoded $name"
    sound $message
}

# A value: a number, a name, bytes, a list, an extension.
proc fuzz::value {} {
    variable kinds
    switch -- [number 10] {
	0 {
	    return [pick {-1 0 1 255 256 65535 65536 16777216 99999999999 1e5 0x}]
	}
	1 {
	    return [pick {TLSv1.2 TLSv1.3 ed25519 X25519 TLS_AES_128_GCM_SHA256
		server_name fatal none handshake 0x1a1a}]
	}
	2 - 3 {
	    return [take [number 40]]
	}
	4 {
	    return [text [take [number 20]]]
	}
	5 {
	    return [list [take 2] [take 1]]
	}
	6 {
	    return "\{"
	}
	7 - 8 {
	    set types [dict keys $::pyossl::expect::extension::rows]
	    set extension [list extension_type [pick $types]]
	    for {set i [number 3]} {$i > 0} {incr i -1} {
		lappend extension [pick {extension_data extension_data_length
		    versions server_name_list named_group_list protocol_name_list
		    key_exchange client_shares}] [take [number 20]]
	    }
	    return [list $extension]
	}
    }
    return {}
}
